from __future__ import annotations

import pytest

from answers.suggestions import captions, headings, suggest
from ingestion.models import Chunk


def chunk(heading: str = "", *, tokens: int = 10, kind: str = "text", caption: str = "") -> Chunk:
    path = [heading] if heading else []
    return Chunk(kind=kind, heading_path=path, token_count=tokens, caption=caption)


def test_headings_with_most_text_come_first_without_their_numbers():
    chunks = [chunk("1.2 Travel expenses"), chunk("3) Leave of absence:", tokens=90)]
    assert headings(chunks) == ["Leave of absence", "Travel expenses"]


@pytest.mark.parametrize(
    "heading", ["Introduction", "2017 2018 2019 2020", "What is covered?", "4.1", "a b " * 9]
)
def test_what_does_not_read_well_in_a_question_is_left_out(heading):
    assert headings([chunk(heading)]) == []


def test_captions_are_offered_when_they_say_something():
    chunks = [
        chunk(kind="image", caption="Figure 2: Revenue\nby region."),
        chunk(kind="table", caption="Table 1"),
    ]
    assert captions(chunks) == [("image", "Figure 2: Revenue by region")]


@pytest.mark.django_db
def test_documents_take_turns(document):
    questions = [suggestion.question for suggestion in suggest([document])]
    assert questions[-1] == "What is “Handbook” about?"
    assert len(questions) == len(set(questions))
