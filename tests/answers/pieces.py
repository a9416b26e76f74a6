"""Evidence to test with, short to write."""

from __future__ import annotations

from typing import Any

from answers.evidence import Evidence
from ingestion.layout import Box, TextSpan


def piece(text: str = "Some words of a passage.", **facts: Any) -> Evidence:
    """A piece of evidence whose every line stands in a box of its own, 20 points high."""
    number = facts.get("number", 1)
    known: dict[str, Any] = {
        "number": number,
        "kind": "text",
        "document_id": 1,
        "document_title": "Report",
        "source": "a" * 64,
        "page": 1,
        "box": Box(50, 100, 400, 300),
        "orders": (10 * number, 10 * number),
        "spans": lines(text),
    }
    return Evidence(text=text, **{**known, **facts})


def lines(text: str, page: int = 1) -> tuple[TextSpan, ...]:
    spans, start = [], 0
    for row, line in enumerate(text.split("\n")):
        box = Box(50, 100 + 20 * row, 400, 115 + 20 * row)
        spans.append(TextSpan(start, start + len(line), page, box))
        start += len(line) + 1
    return tuple(spans)
