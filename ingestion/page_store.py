"""Parsed pages as JSON: how they are stored, and how they leave the parsing child."""

from __future__ import annotations

import json
import zlib
from typing import Any

from ingestion.layout import Block, Box, DocumentFacts, Line, PageContent, Table, TableCell


def dump_blocks(content: PageContent) -> bytes:
    """Return the page's blocks as compressed JSON."""
    data = json.dumps(
        [block_as_json(block) for block in content.blocks],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return zlib.compress(data.encode())


def load_blocks(data: bytes) -> tuple[Block, ...]:
    """Return the blocks that `dump_blocks` stored; no bytes are no blocks."""
    if not data:
        return ()
    return tuple(block_from_json(item) for item in json.loads(zlib.decompress(data)))


def block_as_json(block: Block) -> dict[str, Any]:
    """Return the block as JSON values, leaving out what is empty."""
    data: dict[str, Any] = {"kind": block.kind, "box": block.box.as_list()}
    if block.lines:
        data["lines"] = [[line.text, *line.box.as_list()] for line in block.lines]
    if block.level is not None:
        data["level"] = block.level
    if block.table is not None:
        data["table"] = table_as_json(block.table)
    if block.image is not None:
        data["image"] = block.image
    if block.font_size:
        data["font_size"] = block.font_size
    if block.fingerprint:
        data["fingerprint"] = block.fingerprint
    return data


def block_from_json(data: dict[str, Any]) -> Block:
    """Make a block of what `block_as_json` returned."""
    table = data.get("table")
    return Block(
        kind=data["kind"],
        box=_box(data["box"]),
        lines=tuple(Line(str(text), _box(box)) for text, *box in data.get("lines", ())),
        level=data.get("level"),
        table=table_from_json(table) if table else None,
        image=data.get("image"),
        font_size=float(data.get("font_size", 0.0)),
        fingerprint=str(data.get("fingerprint", "")),
    )


def table_as_json(table: Table) -> dict[str, Any]:
    """Return the table's grid as JSON values; spans of 1 and parts of 1 are left out."""
    data: dict[str, Any] = {
        "rows": table.rows,
        "columns": table.columns,
        "header_rows": table.header_rows,
        "cells": [_cell_as_json(cell) for cell in table.cells],
    }
    if table.parts > 1:
        data |= {"key": table.key, "part": table.part, "parts": table.parts}
    return data


def _cell_as_json(cell: TableCell) -> dict[str, Any]:
    data: dict[str, Any] = {"row": cell.row, "column": cell.column, "text": cell.text}
    if cell.box is not None:
        data["box"] = cell.box.as_list()
    if cell.row_span > 1:
        data["row_span"] = cell.row_span
    if cell.column_span > 1:
        data["column_span"] = cell.column_span
    return data


def table_from_json(data: dict[str, Any]) -> Table:
    """Make a table of what `table_as_json` returned."""
    return Table(
        rows=int(data["rows"]),
        columns=int(data["columns"]),
        header_rows=int(data["header_rows"]),
        cells=tuple(
            TableCell(
                row=int(cell["row"]),
                column=int(cell["column"]),
                text=str(cell["text"]),
                box=_box(cell["box"]) if "box" in cell else None,
                row_span=int(cell.get("row_span", 1)),
                column_span=int(cell.get("column_span", 1)),
            )
            for cell in data["cells"]
        ),
        key=str(data.get("key", "")),
        part=int(data.get("part", 1)),
        parts=int(data.get("parts", 1)),
    )


def content_as_json(content: PageContent) -> dict[str, Any]:
    """Return everything but the images' bytes."""
    return {
        "number": content.number,
        "width": content.width,
        "height": content.height,
        "text_source": content.text_source,
        "blocks": [block_as_json(block) for block in content.blocks],
        "label": content.label,
        "warnings": list(content.warnings),
        "ocr_confidence": content.ocr_confidence,
    }


def content_from_json(data: dict[str, Any]) -> PageContent:
    """Make a page, without images, of what `content_as_json` returned."""
    confidence = data["ocr_confidence"]
    return PageContent(
        number=int(data["number"]),
        width=float(data["width"]),
        height=float(data["height"]),
        text_source=data["text_source"],
        blocks=tuple(block_from_json(item) for item in data["blocks"]),
        label=str(data["label"]),
        warnings=tuple(str(warning) for warning in data["warnings"]),
        ocr_confidence=None if confidence is None else float(confidence),
    )


def facts_as_json(facts: DocumentFacts) -> dict[str, Any]:
    return {
        "page_count": facts.page_count,
        "metadata": facts.metadata,
        "outline": [list(entry) for entry in facts.outline],
    }


def facts_from_json(data: dict[str, Any]) -> DocumentFacts:
    return DocumentFacts(
        page_count=int(data["page_count"]),
        metadata={str(key): value for key, value in data["metadata"].items()},
        outline=tuple(
            (int(level), str(title), int(page)) for level, title, page in data["outline"]
        ),
    )


def _box(values: list[float]) -> Box:
    x0, y0, x1, y1 = (float(value) for value in values)
    return Box(x0, y0, x1, y1)
