import pytest

from ingestion.models import Page
from retrieval.named_places import MOST, named_in, put_first
from retrieval.search import search
from tests.retrieval.conftest import only


@pytest.mark.parametrize(
    ("question", "pages"),
    [
        ("What stands on page 12?", {"12"}),
        ("Compare pages 3 and 5.", {"3", "5"}),
        ("Summarise pages 3-5", {"3", "4", "5"}),
        ("What does slide no. 7 show?", {"7"}),
        ("See p. 6985 at the top", {"6985"}),
        ("The preface on page iv", {"iv"}),
        ("What stands on page i of it?", {"i"}),
        ("See page I.", {"i"}),
        ("Pages i and iv", {"i", "iv"}),
        ("the page I need", set()),
        ("Is this the page I'm after?", set()),
        ("the page i want", set()),
        ("Is it on page 3 and I missed it?", {"3"}),
        ("Pages 1 to 400 of the report", set()),
        ("How many pages are there?", set()),
        ("The landing page in 2019", set()),
        ("Who mixed up the civil page?", set()),
    ],
)
def test_pages(question, pages):
    assert named_in(question).pages == pages


def test_figures_and_tables_by_name():
    places = named_in("Compare Figures 2 and 3 with Table A.1.")
    assert places.labels == {("figure", "2"), ("figure", "3"), ("table", "a.1")}
    assert places


def test_cover_and_end():
    assert named_in("Who is named on the cover page?").first_page
    assert named_in("What does the last slide say?").last_page
    assert not named_in("Who won?")


def test_what_is_named_leads_and_scores_still_descend():
    ranked = put_first([(1, 0.9), (2, 0.5), (3, -0.2)], [9, 3, 2])
    assert [pk for pk, _ in ranked] == [2, 9, 3, 1]
    assert [score for _, score in ranked] == sorted((s for _, s in ranked), reverse=True)
    assert len(put_first([(1, 1.0)], range(10, 30))) == MOST + 1
    assert put_first([], [4]) == []


@pytest.fixture
def report(library):
    document = library.document("apple apple apple", "pear", "plum")
    document.page_count = 12
    document.save()
    for number, label in ((2, "iv"), (12, "10")):
        Page.objects.create(document=document, number=number, label=label)
    pear, plum = document.chunks.get(text="pear"), document.chunks.get(text="plum")
    for chunk, number in ((pear, 2), (plum, 12)):
        chunk.page, chunk.page_number = document.pages.get(number=number), number
        chunk.save()
    return document


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("apple on page 12?", "plum"),
        ("apple on page 10?", "plum"),
        ("apple on page iv?", "pear"),
        ("apple on the last page?", "plum"),
        ("apple on page 7?", "apple apple apple"),
        ("apple?", "apple apple apple"),
    ],
)
def test_a_page_that_is_named_comes_first(report, question, text):
    result = search(question, where=only(report))
    assert result.hits[0].chunk.text == text
    assert ("places" in result.hits[0].sources) == (text != "apple apple apple")


def test_a_figure_that_is_named_comes_first(library):
    captions = ("Figure 2. Plums by year", "Figure 3: Apples")
    figures = [{"kind": "image", "caption": caption, "picture": "pear"} for caption in captions]
    document = library.document("Figure 3 shows apple apple", *figures, "As Figure 2 shows")
    best = search("What does Figure 3 say of apples?", where=only(document)).hits[0]
    assert best.chunk.caption == "Figure 3: Apples"


def test_places_do_not_lead_past_a_filter(report):
    where = only(report, pages=(1, 1))
    assert [hit.chunk.page_number for hit in search("apple on page 12", where=where).hits] == [1]
