"""What tags and metadata are taken, how they are typed in, and how documents are found by them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db.models.fields.json import KeyTransform

from ingestion import labels
from ingestion.collections import default_for
from ingestion.models import Document
from tests.ingestion.ready_document import make_document


def test_tags_are_small_words_each_once() -> None:
    assert labels.checked_tags([" Finance", "q3-2024", "finance", "größe"]) == [
        "finance",
        "q3-2024",
        "größe",
    ]
    assert labels.parsed_tags("Finance, q3 ;finance\n audit") == ["finance", "q3", "audit"]
    assert labels.parsed_tags(" , ") == []
    with pytest.raises(labels.Invalid, match="“beta one” is no tag: use at most"):
        labels.parsed_tags("alpha, Beta one")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(labels.Invalid) as refused:
        labels.parsed_metadata("year: 2024\njust words\n1st: x\nempty:")
    assert str(refused.value).count("just words") == 1
    assert "“1st” is no name" in str(refused.value)
    assert "“empty” must have" in str(refused.value)
    with pytest.raises(labels.Invalid, match=r"“!9” is no tag.* 5 more likewise\.$"):
        labels.checked_tags(f"!{number}" for number in range(15))


def test_a_title_is_a_line_that_can_be_written() -> None:
    assert labels.checked_title("  The  annual\nreport ") == "The annual report"
    for title in (" ", "x" * 501, "a\0b", "\ud800"):
        with pytest.raises(labels.Invalid, match="title"):
            labels.checked_title(title)


@pytest.mark.parametrize("tag", ["", "two words", "a,b", "x" * 65, '"', "\0", "\ud800", 7, None])
def test_what_is_no_tag_is_refused_with_a_sentence(tag) -> None:
    with pytest.raises(labels.Invalid, match=r"\.$") as refused:
        labels.checked_tags([tag])
    assert str(refused.value).encode()


def test_metadata_keeps_types_and_tidies_texts() -> None:
    given = {"year": 2024, "share": 0.5, "final": True, "by": " Ann  Lee ", "on": "2024-05-31"}
    assert labels.checked_metadata(given) == {**given, "by": "Ann Lee"}
    kinds = [labels.type_of(value) for value in given.values()]
    assert kinds == ["number", "number", "boolean", "text", "date"]
    assert labels.type_of("2024-02-31") == "text"


@pytest.mark.parametrize(
    "entries",
    [
        *({"": 1}, {"a b": 1}, {"1st": 1}, {"x" * 65: 1}, {3: 1}),
        *({"\ud800": 1}, {"a\0": 1}, {"a": "\ud800"}, {"a": "b\0c"}, {"a": "\x9b"}),
        *({"a": None}, {"a": [1]}, {"a": ""}, {"a": "x" * 501}),
        *({"a": float("nan")}, {"a": float("inf")}, {"a": 10**30}),
        {f"n{i}": i for i in range(51)},
    ],
)
def test_what_is_no_metadata_is_refused_with_a_sentence(entries) -> None:
    with pytest.raises(labels.Invalid, match=r"\.$") as refused:
        labels.checked_metadata(entries)
    assert str(refused.value).encode()


def test_metadata_is_typed_one_entry_a_line() -> None:
    typed = 'year: 2024\nshare: -.5\nfinal: True\nurl: http://x.org/a:b\n\ncode: "007"\nv: 1.2.3'
    read = labels.parsed_metadata(typed)
    assert read == {
        **{"year": 2024, "share": -0.5, "final": True},
        **{"url": "http://x.org/a:b", "code": "007", "v": "1.2.3"},
    }
    assert labels.parsed_metadata(labels.as_lines(read)) == read
    with pytest.raises(labels.Invalid, match="name: value"):
        labels.parsed_metadata("just words")


@pytest.mark.django_db
def test_documents_are_found_by_tags_and_values() -> None:
    collection = default_for(User.objects.create_user("ana"))
    one, two = (make_document(collection, title=name, pages=1) for name in ("One", "Two"))
    one.tags, one.metadata = ["audit", "größe"], {"year": 2023, "on": "2023-04-01"}
    two.tags, two.metadata = ["audit", "gr"], {"year": 2024, "on": "2024-04-01"}
    one.save()
    two.save()

    def found(*tags: str) -> set[Document]:
        return set(Document.objects.tagged(*tags))

    assert found("audit") == {one, two}
    assert found("Größe", "audit") == {one}
    assert found("aud") == found('audit"') == found("%") == set()
    later = Document.objects.alias(year=KeyTransform("year", "metadata"))
    assert later.filter(year__gte=2024).get() == two
    on = Document.objects.alias(on=KeyTransform("on", "metadata"))
    assert on.filter(on__lt="2024-01-01").get() == one
