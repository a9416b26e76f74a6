"""A document as the pipeline leaves it, made without running it."""

from __future__ import annotations

import hashlib
import io

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from ingestion import page_store
from ingestion.layout import PageContent
from ingestion.models import Chunk, ChunkKind, Collection, Document, DocumentState, Page, PageState
from tests.factories import pdf_bytes

TABLE = {
    "rows": 2,
    "columns": 2,
    "header_rows": 1,
    "cells": [
        {"row": 0, "column": 0, "text": "Year", "row_span": 1, "column_span": 1},
        {"row": 0, "column": 1, "text": "Revenue", "row_span": 1, "column_span": 1},
        {"row": 1, "column": 0, "text": "2023", "row_span": 1, "column_span": 1},
        {"row": 1, "column": 1, "text": "<b>42</b>", "row_span": 1, "column_span": 1},
    ],
}


def picture(color: str = "white") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 80), color).save(buffer, "JPEG")
    return buffer.getvalue()


def store_image(document: Document, number: int, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()[:16]
    name = f"{document.folder}/pages/{number:05d}-{digest}.jpg"
    return default_storage.save(name, ContentFile(data))


def make_document(
    collection: Collection,
    *,
    title: str = "Annual report",
    state: DocumentState = DocumentState.READY,
    pages: int = 2,
    uploaded_by: User | None = None,
) -> Document:
    """Store a document with page images; each page has a text, a table and an image chunk."""
    data = pdf_bytes([f"{title}, page {number}" for number in range(1, pages + 1)])
    document = Document(
        collection=collection,
        uploaded_by=uploaded_by,
        title=title,
        filename=f"{title}.pdf",
        sha256=hashlib.sha256(title.encode()).hexdigest(),
        size_bytes=len(data),
        page_count=pages,
        state=state,
        live_generation=1,
        outline=[[1, "Results", 2]],
    )
    document.file.save(document.filename, ContentFile(data), save=False)
    document.save(force_insert=True)
    for number in range(1, pages + 1):
        _add_page(document, number)
    return document


def _add_page(document: Document, number: int) -> None:
    image = store_image(document, number, picture("white" if number % 2 else "ivory"))
    page = Page.objects.create(
        document=document,
        number=number,
        width=600,
        height=800,
        state=PageState.DONE,
        text_source="text_layer",
        image=image,
        layout=page_store.dump_blocks(PageContent(number, 600, 800, "text_layer", ())),
    )
    crop = store_image(document, number, picture("red"))
    kinds = {ChunkKind.TEXT: {}, ChunkKind.TABLE: {"table": TABLE}, ChunkKind.IMAGE: {}}
    for place, (kind, extra) in enumerate(kinds.items()):
        top = 100 * (place + 1)
        Chunk.objects.create(
            document=document,
            page=page,
            generation=1,
            order=10 * number + place,
            kind=kind,
            page_number=number,
            box=[50.0, top, 350.5, top + 80],
            text=f"{kind} of page {number}",
            caption="" if kind == ChunkKind.TEXT else f"A {kind} on page {number}",
            image="" if kind == ChunkKind.TEXT else crop,
            **extra,
        )
