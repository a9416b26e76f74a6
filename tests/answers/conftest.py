"""A small library, a search that finds what a test says, and a reader that a test scripts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from answers import events, searching
from answers.models import Conversation
from answers.readers import Capabilities
from ingestion.models import Chunk, Collection, Document, DocumentState, Page
from retrieval.search import Hit, SearchResult, SourceRank

PAGE_TEXT = (
    "Contoso was founded in 1998. Its handbook has twelve rules. "
    "Employees get 25 days of leave per year."
)


def jpeg(width: int = 1600, height: int = 1000, colour: str = "navy") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def person(django_user_model):
    return django_user_model.objects.create_user("ada")


@pytest.fixture
def stranger(django_user_model):
    return django_user_model.objects.create_user("eve")


@pytest.fixture
def document(person) -> Document:
    """One published document: page 1 with a passage and a table, page 2 with a figure."""
    collection = Collection.objects.create(name="Papers", owner=person)
    document = Document.objects.create(
        collection=collection,
        title="Handbook",
        filename="handbook.pdf",
        sha256="0" * 64,
        size_bytes=1,
        page_count=2,
        state=DocumentState.READY,
        live_generation=1,
    )
    pages = [_page(document, number) for number in (1, 2)]
    sentences = PAGE_TEXT.split(". ")
    spans, start = [], 0
    for line, sentence in enumerate(sentences):
        end = start + len(sentence) + 1
        spans.append(
            [start, min(end, len(PAGE_TEXT)), 1, 50, 100 + 20 * line, 400, 115 + 20 * line]
        )
        start = end + 1
    _chunk(document, pages[0], 0, "text", PAGE_TEXT, spans=spans)
    table = "| Year | Profit |\n| --- | --- |\n| 2017 | 10 |\n| 2018 | 12 |"
    _chunk(
        document, pages[0], 1, "table", table, caption="Profit by year", image=_crop(document, 1)
    )
    _chunk(document, pages[1], 2, "image", "", caption="Our office", image=_crop(document, 2))
    return document


def _page(document: Document, number: int) -> Page:
    name = default_storage.save(
        f"{document.folder}/pages/{number}.jpg",
        ContentFile(jpeg(colour=f"#0{number}0{number}0{number}")),
    )
    return Page.objects.create(
        document=document, number=number, label=f"{number}a", width=612, height=792, image=name
    )


def _crop(document: Document, number: int) -> str:
    picture = jpeg(colour=("red", "green")[number - 1])
    return default_storage.save(f"{document.folder}/crops/{number}.jpg", ContentFile(picture))


def _chunk(document, page, order, kind, text, *, spans=(), caption="", image="") -> Chunk:
    return Chunk.objects.create(
        document=document,
        page=page,
        generation=1,
        order=order,
        kind=kind,
        page_number=page.number,
        box=[50, 100, 400, 300],
        text=text,
        spans=list(spans),
        caption=caption,
        heading_path=["Handbook"],
        image=image,
        image_width=1600 if image else 0,
        image_height=1000 if image else 0,
    )


@pytest.fixture
def conversation(person) -> Conversation:
    return Conversation.objects.create(owner=person)


@pytest.fixture
def searches(monkeypatch, document) -> list[tuple]:
    """Let a search find every chunk that it may; record (query, filter)."""
    asked: list[tuple] = []

    def search(query, *, where, top_k):
        asked.append((query, where))
        chunks = Chunk.objects.filter(document__in=where.document_ids).select_related(
            "document", "page"
        )
        hits = tuple(
            Hit(chunk, rank, 1 / rank, {"text": SourceRank(rank, 0.5)}, fused_score=1 / rank)
            for rank, chunk in enumerate(chunks, start=1)
        )
        return SearchResult(hits, {"text": 3}, {}, ())

    monkeypatch.setattr(searching, "search", search)
    return asked


class ScriptedReader:
    """Says what `script` yields; a test puts deltas, exceptions and waits into it."""

    name = label = "scripted"
    capabilities = Capabilities(prompt_tokens=4000, images=2, image_pixels=640)
    script: Callable[..., Iterator]
    prompts: list = []

    @classmethod
    def is_configured(cls) -> bool:
        return True

    def stream(self, prompt):
        self.prompts.append(prompt)
        yield from type(self).script(prompt)


@pytest.fixture
def scripted(settings, monkeypatch):
    """Make the scripted reader the site's; set `.script`, look at `.prompts`."""
    monkeypatch.setattr(ScriptedReader, "prompts", [])
    settings.READERS = {"scripted": "tests.answers.conftest.ScriptedReader"}
    settings.READER = "scripted"
    return ScriptedReader


def queries_of(ask: Callable[[], object]) -> int:
    """How often the database is asked."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)


def said(message_uuid) -> list[events.Event]:
    """All events of a finished answer."""
    from asgiref.sync import async_to_sync

    async def gather() -> list[events.Event]:
        return [event async for event in events.follow(message_uuid)]

    return async_to_sync(gather)()
