import datetime
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from ingestion.models import Chunk, Collection, Document
from tests.retrieval.test_search import figure


@pytest.fixture
def reader(client, library):
    client.force_login(library.collection.owner)
    return client


def page(client, headers=None, **query):
    answer = client.get(reverse("search:find"), query, headers=headers or {})
    assert answer.status_code == 200
    return answer.content.decode()


def titles(shown):
    """What was found, by the titles of its documents, best first."""
    return re.findall(r'class="find-title"><a href="[^"]*">([^<]*)<', shown)


def named(document, title, **fields):
    Document.objects.filter(pk=document.pk).update(title=title, **fields)
    return document


def test_it_is_for_who_is_signed_in(client):
    assert client.get(reverse("search:find")).url.startswith("/login/")


def test_before_a_query_it_says_what_can_be_asked(reader):
    assert "Find a passage, a table or a figure" in page(reader)


def test_hits_show_their_words_their_kind_and_lead_to_their_place(reader, library):
    named(library.document("one apple here", figure("An <apple> tree", "apple")), "Orchard")
    shown = page(reader, q="apples")
    assert titles(shown) == ["Orchard", "Orchard"]
    assert "one <mark>apple</mark> here" in shown
    assert "An &lt;<mark>apple</mark>&gt; tree" in shown
    assert "Figure</span>" in shown
    assert "?page=1&amp;box=1,0,0,1,1" in shown
    assert "Ask about this" in shown


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_first_and_the_last_day_keep_nothing_out(reader, library, settings, zone):
    settings.TIME_ZONE = zone
    named(library.document("one apple"), "Orchard")
    for until in ("9999-12-31", "9999-12-30"):
        assert titles(page(reader, q="apple", since="0001-01-01", until=until)) == ["Orchard"]


def test_kinds_and_documents_narrow_it(reader, library):
    first = named(library.document("apple", figure("apple", "apple")), "First")
    named(library.document("apple pear"), "Second")
    assert titles(page(reader, q="apple", kind="image")) == ["First"]
    within = page(reader, q="apple", document=first.uuid)
    assert set(titles(within)) == {"First"}
    assert "Only in “First”" in within


def test_collection_tags_and_days_narrow_it(reader, library):
    old = timezone.now() - datetime.timedelta(days=40)
    tags = {"tags": ["audit", "draft"], "created_at": old}
    named(library.document("apple"), "Old", **tags)
    named(library.document("apple pear"), "New", tags=["audit"])
    day = (old + datetime.timedelta(days=1)).date().isoformat()
    assert set(titles(page(reader, q="apple", tag="audit"))) == {"Old", "New"}
    assert titles(page(reader, q="apple", tag=["audit", "draft"])) == ["Old"]
    assert titles(page(reader, q="apple", since=day)) == ["New"]
    assert titles(page(reader, q="apple", until=day)) == ["Old"]
    empty = Collection.objects.create(name="Empty", owner=library.collection.owner)
    assert "No document that is ready passes these filters" in page(
        reader, q="apple", collection=empty.pk
    )


def test_days_that_make_no_sense_are_told(reader):
    shown = page(reader, q="apple", since="2024-02-01", until="2024-01-01")
    assert "The last day is before the first" in shown
    assert "Enter a valid date" in page(reader, q="apple", since="soon")


def test_nothing_of_others_is_found_nor_named(client, library, django_user_model):
    document = named(library.document("apple"), "Secret", tags=["hush"])
    chunk = Chunk.objects.live().get(document=document)
    client.force_login(django_user_model.objects.create_user("stranger"))
    for query in (
        {"q": "apple"},
        {"q": "apple", "document": document.uuid},
        {"q": "apple", "collection": library.collection.pk},
        {"like": chunk.pk},
    ):
        shown = page(client, **query)
        assert "Secret" not in shown
        assert "hush" not in shown
        assert titles(shown) == []


def test_where_the_same_is_said_again_is_told(reader, library):
    named(library.document("apple pear"), "First")
    named(library.document("apple pear"), "Second")
    shown = page(reader, q="apple")
    assert len(titles(shown)) == 1
    assert re.search(r"Said again in <a[^>]*>(First|Second), page 1</a>", shown)


def test_more_like_a_figure(reader, library):
    library.document(figure("one", "plum"), figure("two", "plum"))
    shown = page(reader, like=Chunk.objects.get(caption="one").pk)
    assert "More like “one”" in shown
    assert len(titles(shown)) == 1


def test_there_is_more_to_show(reader, library):
    library.document(*(f"apple number {number}" for number in range(8)))
    shown = page(reader, q="apple", show=5)
    assert len(titles(shown)) == 5
    assert "show=25" in shown
    assert len(titles(page(reader, q="apple", show=25))) == 8


def test_htmx_gets_what_was_found_alone(reader, library):
    library.document("apple")
    shown = page(reader, headers={"HX-Request": "true"}, q="apple")
    assert "<html" not in shown
    assert len(titles(shown)) == 1


def test_without_documents_it_says_so(reader, library):
    shown = page(reader, q="apple")
    assert "No document that is ready" in shown
