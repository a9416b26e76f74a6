"""A library of small documents, spaces with readable vectors, and recorded requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from celery import current_app
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from ingestion import documents
from ingestion.models import Chunk, Collection, Document, DocumentState, Page
from retrieval import background, embedders, embedding, keyword_reader, space_reader, spaces
from retrieval.candidates import CandidateFilter
from tests.retrieval.fake_models import FRUITS, FruitEmbedder


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """Tasks asked of the workers, recorded instead of queued: (name, *arguments)."""
    sent: list[tuple] = []

    def send_task(name: str, args: Sequence[Any], priority: int) -> None:
        sent.append((name.removeprefix("retrieval.tasks."), *args))

    monkeypatch.setattr(current_app, "send_task", send_task)
    monkeypatch.setattr(background, "_asked", {})
    return sent


@pytest.fixture
def fruit_spaces(settings) -> dict[str, dict[str, Any]]:
    """Two spaces whose models are there; without `pear-eye`'s file the image space falls back."""
    settings.MODELS_DIR.mkdir(parents=True, exist_ok=True)
    for name in ("fruit-1", "fruit-2", "pear-eye"):
        (settings.MODELS_DIR / f"{name}.safetensors").write_bytes(b"-")
    common = {"metric": "cosine", "batch_size": 2, "index": {"type": "auto"}}
    module = "tests.retrieval.fake_models"
    settings.SPACES = {
        "text": {
            **common,
            "embedder": f"{module}.FruitEmbedder",
            "model": "fruit-1",
            "kinds": ["text", "table", "image"],
            "input": "text",
        },
        "image": {
            **common,
            "embedder": f"{module}.FruitPictureEmbedder",
            "model": "pear-eye",
            "kinds": ["table", "image"],
            "input": "image",
            "fallback": "text",
        },
    }
    return settings.SPACES


@pytest.fixture
def library(db, fruit_spaces, asked, sent_tasks) -> Iterator[Library]:
    restart()
    FruitEmbedder.encoded.clear()
    spaces.sync()
    yield Library()
    restart()


def restart() -> None:
    """Forget what the process holds, as its restart does."""
    space_reader.forget_all()
    keyword_reader.forget_all()
    embedders.forget_all()


class Library:
    """Documents that go through embedding and publishing as in the pipeline."""

    def __init__(self) -> None:
        owner, _ = get_user_model().objects.get_or_create(username="owner")
        self.collection = Collection.objects.create(name="Fruits", owner=owner)

    def document(self, *chunks: str | dict[str, Any]) -> Document:
        """Add and publish a document; a chunk is its text, or its fields."""
        document = Document.objects.create(
            collection=self.collection,
            title="A document",
            filename="a.pdf",
            sha256=str(Document.objects.count()),
            size_bytes=1,
            page_count=1,
        )
        Page.objects.create(document=document, number=1)
        return self.parse(document, *chunks)

    def parse(self, document: Document, *chunks: str | dict[str, Any]) -> Document:
        """Give the document its next generation of chunks, embed and publish it."""
        self.add_chunks(document, *chunks)
        assert embedding.embed_document(document, document.run)
        documents.publish(document, document.run)
        return document

    def add_chunks(self, document: Document, *chunks: str | dict[str, Any]) -> None:
        document.run = "run"
        document.state = DocumentState.EMBEDDING
        document.save()
        for order, given in enumerate(chunks):
            fields = {"text": given} if isinstance(given, str) else dict(given)
            if picture := fields.pop("picture", None):
                fields["image"] = default_storage.save("crop", ContentFile(picture.encode()))
            Chunk.objects.create(
                document=document,
                page=document.pages.get(),
                generation=document.next_generation,
                order=order,
                box=[0, 0, 1, 1],
                **{"kind": "text", "page_number": 1, "text": "", **fields},
            )


def only(*found: Document, **filters: Any) -> CandidateFilter:
    return CandidateFilter(frozenset(document.pk for document in found), **filters)


def axis(fruit: str) -> np.ndarray:
    """The query vector of one fruit."""
    vector = np.zeros(len(FRUITS), dtype=np.float32)
    vector[FRUITS.index(fruit)] = 1
    return vector


def texts(candidates: Sequence[Any]) -> list[str]:
    """The texts of the chunks found, best first."""
    found = Chunk.objects.in_bulk([candidate.chunk_id for candidate in candidates])
    return [found[candidate.chunk_id].text for candidate in candidates]
