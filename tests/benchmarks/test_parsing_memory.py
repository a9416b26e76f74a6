"""The memory benchmark's document, and what it makes of its samples."""

from __future__ import annotations

from pathlib import Path

import pymupdf

from benchmarks.long_document import SCAN, write_long_document
from benchmarks.parsing_memory import Sample, report, table


def sample(pages: int, parser: int, worker: int, state: str = "parsing") -> Sample:
    return Sample(state, pages, f"page {pages}", {"parser": parser, "worker": worker})


SAMPLES = [
    *(sample(pages, 500 + pages, 300) for pages in range(0, 101, 5)),
    sample(100, 0, 700, "embedding"),
    sample(100, 0, 600, "ready"),
]


def test_growth_is_told_between_the_first_and_the_last_pages() -> None:
    found = report(SAMPLES, {"parser": 610, "worker": 720, "web": 200})
    assert found == {
        "pages": 100,
        "parser_mb": 610,
        "worker_mb": 720,
        "parser_growth_mb": 80,
        "worker_growth_mb": 0,
        "max_rss_mb": 720,
    }


def test_the_table_ends_with_the_last_sample_and_hides_no_peak() -> None:
    lines = list(table(SAMPLES))
    assert lines[-1].split() == ["100", "0", "600", "page", "100"]
    assert any("700" in line for line in lines)


def test_the_long_document_has_text_figures_and_scans(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    write_long_document(path, pages=SCAN + 1)
    with pymupdf.open(path) as document:
        assert document.page_count == SCAN + 1
        assert document.get_toc()
        assert "Table 3: " in document[2].get_text()
        assert "Figure 5: " in document[4].get_text()
        assert (document[SCAN - 1].get_text(), len(document[SCAN - 1].get_images())) == ("", 1)
        texts = {page.get_text() for page in document}
        assert len(texts) == document.page_count
