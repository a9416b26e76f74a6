"""Which titles that files tell are taken for titles."""

from __future__ import annotations

import pytest

from ingestion.titles import title_of


@pytest.mark.parametrize(
    "told",
    [
        *("", "  \n", "Untitled", "untitled spreadsheet", "Untitled-1", "Document", "Slide 1"),
        *("Presentation1", "PowerPoint Presentation", "0000320193-23-000077", "- 12 -"),
        *("test_small.pdf", "05 State charts.XLS", "C:\\drafts\\final.docx"),
        *("Microsoft Word - Gbibliography.doc", "Microsoft PowerPoint – Board meeting"),
        *("Microsoft Office Word - budget", "minutes - Word", "Plan 2024 - Google Docs"),
    ],
)
def test_what_names_nothing_gives_way_to_the_files_name(told) -> None:
    assert title_of(told, "minutes 2024.03.pdf") == "minutes 2024.03"


@pytest.mark.parametrize(
    "told",
    [
        *("Annual report 2023", "Book of Hours", "Documents of the council", "Slide rules"),
        *("Node.js", "Amazon.com", "Version 2.0 of the plan", "Microsoft Word for beginners"),
        *("The last word", "Excel - a guide", "年次報告書", "Q3"),
    ],
)
def test_a_title_is_kept(told) -> None:
    assert title_of(f" {told} ", "x.pdf") == told


def test_a_title_is_one_line_of_bounded_length() -> None:
    assert title_of("Annual\n report", "x.pdf") == "Annual report"
    assert len(title_of("a" * 900, "x.pdf")) == 500


def test_an_endless_title_takes_no_time():
    assert title_of("a - " * 50_000, "report.pdf").startswith("a - a")
