"""What a PDF says of itself, as plain data."""

from __future__ import annotations

from ingestion.pdf import LONGEST_OUTLINE, LONGEST_TITLE, iso_date, outline_of


def test_an_outline_keeps_what_leads_to_a_page_and_has_an_end() -> None:
    entries = [[1, "Eﬃcient", 1], [1, " ", 1], [2, "Nowhere", -1], [2, "Beyond", 4], [1, "End", 3]]
    assert outline_of(entries, 3) == ((1, "Efficient", 1), (1, "End", 3))
    long = outline_of([[1, "x" * 10_000, 1]] * (LONGEST_OUTLINE + 1), 1)
    assert len(long) == LONGEST_OUTLINE
    assert len(long[0][1]) == LONGEST_TITLE


def test_dates_are_read_as_far_as_they_go() -> None:
    assert iso_date("D:20240229120000+01'00'") == "2024-02-29T12:00:00"
    assert iso_date("D:2024") == "2024-01-01"
    assert iso_date("last year") == ""
