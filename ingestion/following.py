"""Follow documents until they are ready, failed, cancelled or gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ingestion import documents
from ingestion.documents import Progress
from ingestion.folders import Outcome
from ingestion.models import Document, DocumentState


@dataclass(frozen=True, slots=True)
class Step:
    """How far one document is; `document` is None when it was deleted meanwhile."""

    path: Path
    document: Document | None
    progress: Progress

    @property
    def is_over(self) -> bool:
        return self.document is None or not self.document.is_active


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a file in the end: a word for it, and what else there is to say."""

    path: Path
    word: str
    detail: str = ""

    @property
    def is_failure(self) -> bool:
        return self.word in ("Refused", DocumentState.FAILED.label)


def result_of_refusal(outcome: Outcome) -> Result:
    """Say why a file was not taken; that it is there already is no failure."""
    assert outcome.refused is not None
    word = "Already there" if outcome.refused.code == "duplicate" else "Refused"
    return Result(outcome.path, word, outcome.refused.reason)


def result_of_step(step: Step) -> Result:
    """Say how a document's way ended."""
    if step.document is None:
        return Result(step.path, step.progress.label)
    state = DocumentState(step.document.state)
    if state != DocumentState.READY:
        return Result(step.path, state.label, step.document.error)
    pages = step.document.page_count or 0
    facts = [f"{pages} page{'s' if pages != 1 else ''}", f"{step.document.chunks_total} passages"]
    note = step.progress.label.partition(", ")[2]
    return Result(step.path, state.label, ", ".join([*facts, *([note] if note else [])]))


@dataclass
class Follower:
    """Remembers which documents are on their way, and looks where they are."""

    paths: dict[int, Path] = field(default_factory=dict)

    def add(self, document: Document, path: Path) -> None:
        self.paths[document.pk] = path

    def look(self) -> list[Step]:
        """Return how far each document is; those whose way is over are forgotten then."""
        found = {document.pk: document for document in self._documents(self.paths)}
        steps = [_step(path, found.get(pk)) for pk, path in self.paths.items()]
        self.paths = {
            pk: path for pk, path in self.paths.items() if pk in found and found[pk].is_active
        }
        return steps

    @staticmethod
    def _documents(pks: Iterable[int]) -> Iterable[Document]:
        return Document.objects.filter(pk__in=list(pks)).brief()


def _step(path: Path, document: Document | None) -> Step:
    if document is None:
        return Step(path, None, Progress("Deleted meanwhile", 1.0))
    return Step(path, document, documents.progress(document))
