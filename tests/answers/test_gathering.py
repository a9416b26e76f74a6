from __future__ import annotations

import pytest

from answers.evidence import Budget
from answers.gathering import gather
from ingestion.models import Chunk
from retrieval.search import Hit, SourceRank

pytestmark = pytest.mark.django_db


def hit(chunk: Chunk, rank: int = 1) -> Hit:
    return Hit(chunk, rank, 0.5, {"keywords": SourceRank(rank, 7.5)}, fused_score=0.5)


def passage(document, order: int, text: str, heading: str = "Handbook") -> Chunk:
    return Chunk.objects.create(
        document=document,
        page=document.pages.get(number=2),
        generation=1,
        order=order,
        kind="text",
        page_number=2,
        box=[1, 2, 3, 4],
        text=text,
        spans=[[0, len(text), 2, 1, 2, 3, 4]],
        heading_path=[heading],
    )


def test_a_hit_becomes_evidence_with_its_place(document):
    (piece,) = gather([hit(Chunk.objects.get(order=1))], Budget(tokens=2000, images=1))
    assert (piece.number, piece.kind, piece.page, piece.page_label) == (1, "table", 1, "1a")
    assert piece.document_title == "Handbook"
    assert piece.caption == "Profit by year"
    assert piece.shown
    assert piece.scores["sources"] == {"keywords": {"rank": 1, "score": 7.5}}


def test_neighbours_of_a_hit_are_joined_under_the_same_heading(document):
    passage(document, 10, "Before.")
    found = passage(document, 11, "Found.")
    passage(document, 12, "After.")
    passage(document, 13, "Too far.")
    (piece,) = gather([hit(found)], Budget(tokens=2000))
    assert piece.text == "Before.\nFound.\nAfter."
    assert piece.chunk_id == found.pk
    assert [piece.text[s.start : s.end] for s in piece.spans] == ["Before.", "Found.", "After."]


def test_neighbours_under_other_headings_or_beyond_the_budget_stay_out(document):
    passage(document, 10, "Before.", heading="Else")
    found = passage(document, 11, "Found.")
    passage(document, 12, "After. " * 400)
    (piece,) = gather([hit(found)], Budget(tokens=300))
    assert piece.text == "Found."


def test_neighbours_of_another_generation_stay_out(document):
    found = passage(document, 11, "Found.")
    old = passage(document, 12, "Old.")
    Chunk.objects.filter(pk=old.pk).update(generation=0)
    (piece,) = gather([hit(found)], Budget(tokens=2000))
    assert piece.text == "Found."


def test_nothing_found_is_no_evidence(document):
    assert gather([], Budget(tokens=2000)) == ()
