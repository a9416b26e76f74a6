"""Delete a document, say what went, and let whoever searches prove that it is found no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.core.files.storage import default_storage

from ingestion import documents, files
from ingestion.models import Document
from ingestion.signals import document_deleting


@dataclass(frozen=True, slots=True)
class Proof:
    """One source asked for exact texts of the document, restricted to it, after it went.

    `found` counts what came back; None: the source could not be asked, and `note` says why.
    """

    source: str
    texts: int
    found: int | None
    note: str = ""


class Witness(Protocol):
    """Who answers `document_deleting`: knows the document before, and looks for it after."""

    def vectors(self) -> Mapping[str, int]:
        """Return how many vectors it had in each space."""

    def look(self) -> Sequence[Proof]:
        """Search for it, now that it is deleted."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What went with a document, and the proof. `files_left` should be 0."""

    id: UUID
    title: str
    pages: int
    chunks: dict[str, int]
    vectors: dict[str, int]
    crops: int
    files: int
    bytes: int
    files_left: int
    proofs: tuple[Proof, ...]

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left, as far as every source could be asked."""
        return not self.files_left and not any(proof.found for proof in self.proofs)

    @property
    def is_proven(self) -> bool:
        return self.is_gone and all(proof.found is not None for proof in self.proofs)


def delete(document: Document) -> Receipt:
    """Delete the document, count what goes, and search for it afterwards."""
    answers: list[tuple[Any, Any]] = document_deleting.send(sender=Document, document=document)
    witnesses: list[Witness] = [witness for _, witness in answers if witness is not None]
    chunks = Counter(document.chunks.values_list("kind", flat=True))
    crops = document.chunks.exclude(image="").values("image").distinct().count()
    pages = document.pages.count()
    names = list(files.files_under(document.folder))
    size = sum(default_storage.size(name) for name in names)
    identity, title, folder = document.uuid, document.title, document.folder
    vectors = {space: count for each in witnesses for space, count in each.vectors().items()}
    documents.delete(document)
    return Receipt(
        id=identity,
        title=title,
        pages=pages,
        chunks=dict(chunks),
        vectors=vectors,
        crops=crops,
        files=len(names),
        bytes=size,
        files_left=len(list(files.files_under(folder))),
        proofs=tuple(proof for each in witnesses for proof in each.look()),
    )
