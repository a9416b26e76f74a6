from __future__ import annotations

import pytest
from django.core.files.storage import default_storage

from answers import answering, evidence_files, searching
from answers.citations import visible_citations, visible_citations_of
from answers.models import Citation, Message
from answers.readers import ReaderDelta
from ingestion import documents
from ingestion.models import Chunk, Collection

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches"),
]


@pytest.fixture
def answer(conversation, scripted) -> Message:
    text = "Employees get 25 days of leave [1]. The office is shown [3]. See also [9][4-99]."
    scripted.script = lambda prompt: iter([ReaderDelta(text=text)])
    return answering.answer_now(conversation, "How much leave is there?")


def test_only_what_was_given_can_be_cited(answer):
    rows = {row.number: row.cited for row in answer.citations.all()}
    assert rows == {1: True, 2: False, 3: True}


def test_a_citation_is_a_snapshot(answer, document):
    row = answer.citations.get(number=3)
    assert (row.document, row.document_title, row.kind) == (document, "Handbook", "image")
    assert (row.page_number, row.page_label) == (2, "2a")
    assert (row.page_width, row.page_height) == (612, 792)
    assert row.caption == "Our office"
    assert row.boxes == [[2, 50, 100, 400, 300]]
    assert row.scores["sources"]["text"]["rank"] == row.scores["rank"] == 3


def test_its_images_survive_the_last_other_citation_of_them(conversation, scripted, monkeypatch):
    """That one may be deleted between the look for its file and the row of the new one."""
    keep = evidence_files.keep

    def kept_and_gone(name: str) -> str:
        if kept := keep(name):
            default_storage.delete(kept)
        return kept

    monkeypatch.setattr(evidence_files, "keep", kept_and_gone)
    scripted.script = lambda prompt: iter([ReaderDelta(text="The office is shown [3].")])
    answer = answering.answer_now(conversation, "What is shown?")
    names = {
        name for row in answer.citations.all() for name in (row.crop.name, row.page_image.name)
    }
    assert len(names - {""}) == 4
    assert all(default_storage.exists(name) for name in names - {""})


def test_it_survives_a_new_generation_of_chunks(answer, person):
    before = visible_citations(answer, person)
    Chunk.objects.all().delete()
    after = visible_citations(answer, person)
    assert [c.text for c in after] == [c.text for c in before]
    assert all(c.chunk_id is None and not c.source_removed for c in after)


def test_it_survives_the_document_and_says_so(answer, document, person):
    documents.delete(document)
    for citation in visible_citations(answer, person):
        assert citation.source_removed
        assert not citation.hidden
        assert citation.document is None
        assert default_storage.exists(citation.page_image)
    quoted = visible_citations(answer, person)[0]
    assert "25 days" in quoted.text
    assert quoted.quotes == ("Employees get 25 days of leave per year.",)


def test_images_are_named_after_their_bytes_and_shared(answer, conversation):
    again = answering.answer_now(conversation, "And how much leave is there now?")
    for number in (2, 3):
        first, second = (m.citations.get(number=number) for m in (answer, again))
        assert first.crop.name == second.crop.name
        assert first.crop.name.startswith("evidence/")
        assert first.page_image.name == second.page_image.name
    # Two crops and two pages, of two answers.
    assert len(default_storage.listdir("evidence")[1]) == 4


@pytest.mark.parametrize("removed", [False, True])
def test_text_is_hidden_from_those_who_may_no_longer_see_it(answer, document, stranger, removed):
    if removed:
        documents.delete(document)
    for citation in visible_citations(answer, stranger):
        assert citation.hidden
        assert (citation.text, citation.caption, citation.quotes) == ("", "", ())
        assert (citation.crop, citation.page_image, citation.boxes) == ("", "", ())
        assert citation.source_removed == removed
        assert citation.document is None
        assert citation.document_title == "Handbook"


def test_a_deleted_collection_hides_its_sources(answer, document, person):
    documents.delete(document)
    Collection.objects.all().delete()
    assert all(citation.hidden for citation in visible_citations(answer, person))


def test_a_moved_document_is_judged_by_where_it_stands(answer, document, person, stranger):
    document.collection = Collection.objects.create(name="Elsewhere", owner=stranger)
    document.save()
    assert all(citation.hidden for citation in visible_citations(answer, person))
    assert not any(citation.hidden for citation in visible_citations(answer, stranger))


def test_a_quote_on_the_next_page_opens_that_page(conversation, scripted, document):
    first = Chunk.objects.get(order=0)
    first.spans = [[0, 60, 1, 50, 700, 400, 715], [60, 104, 2, 50, 60, 400, 75]]
    first.save()
    text = "Employees get 25 days of leave per year [1]."
    scripted.script = lambda prompt: iter([ReaderDelta(text=text)])
    row = answering.answer_now(conversation, "How much leave?").citations.get(number=1)
    assert (row.page_number, row.page_label, row.boxes) == (2, "2a", [[2, 50, 60, 400, 75]])
    page = document.pages.get(number=2)
    with default_storage.open(page.image) as kept, row.page_image.open() as shown:
        assert kept.read() == shown.read()


def test_a_document_deleted_while_it_is_read_leaves_a_citation(
    conversation, scripted, searches, monkeypatch, document
):

    found = searching.search

    def search_then_lose(query, **kwargs):
        result = found(query, **kwargs)
        documents.delete(document)
        return result

    monkeypatch.setattr(searching, "search", search_then_lose)
    scripted.script = lambda prompt: iter([ReaderDelta(text="25 days [1].")])
    answer = answering.answer_now(conversation, "How much leave?")
    assert (answer.error, answer.state) == ("", "done")
    row = answer.citations.get(number=1)
    assert (row.document, row.chunk, row.page_image.name) == (None, None, "")
    assert row.cited


def test_numbers_are_unique_within_an_answer(answer):
    assert Citation.objects.filter(message=answer).count() == 3


def test_images_go_with_the_last_citation_that_shows_them(answer, conversation):
    later = answering.answer_now(conversation, "And how much leave is there now?")
    later.delete()
    assert len(default_storage.listdir("evidence")[1]) == 4
    conversation.delete()
    assert default_storage.listdir("evidence")[1] == []


def test_the_citations_of_many_answers_take_two_queries(
    conversation, scripted, person, django_assert_max_num_queries
):
    scripted.script = lambda prompt: iter([ReaderDelta(text="25 days [1].")])
    answers = [answering.answer_now(conversation, "How much leave?") for _ in range(3)]
    with django_assert_max_num_queries(2):
        found = visible_citations_of(answers, person)
    assert [[one.number for one in found[answer.pk]] for answer in answers] == [[1, 2, 3]] * 3
