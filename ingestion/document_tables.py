"""The tables of a stored document, each as one object."""

from __future__ import annotations

from ingestion.layout import Box
from ingestion.models import ChunkKind, Document
from ingestion.page_store import table_from_json
from ingestion.whole_tables import Piece, WholeTable, whole_tables

FIELDS = ("pk", "page_number", "box", "table", "caption", "heading_path", "image")


def tables_of(document: Document) -> list[WholeTable]:
    """Return what was found as tables with cells, in reading order."""
    found = document.chunks.live().filter(kind=ChunkKind.TABLE, table__isnull=False)
    return whole_tables(
        Piece(
            chunk=pk,
            page=page,
            box=Box(*map(float, box)),
            table=table_from_json(table),
            caption=caption,
            heading_path=tuple(heading_path),
            has_image=bool(image),
        )
        for pk, page, box, table, caption, heading_path, image in found.values_list(*FIELDS)
    )


def table_with(document: Document, chunk: int) -> WholeTable | None:
    """Return the table that a chunk holds rows of."""
    return next((table for table in tables_of(document) if chunk in table.chunks), None)


def table_of(document: Document, number: int) -> WholeTable | None:
    """Return one table by its number, from 1."""
    tables = tables_of(document)
    return tables[number - 1] if 1 <= number <= len(tables) else None
