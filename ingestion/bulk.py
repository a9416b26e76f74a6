"""One thing done to several documents at once; what cannot be is told, and the rest is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from ingestion import documents, labels
from ingestion.errors import PermanentError
from ingestion.models import Collection, Document, DocumentQuerySet


class Verb(models.TextChoices):
    TAG = "tag", "tagged"
    UNTAG = "untag", "freed of these tags"
    MOVE = "move", "moved"
    RETRY = "retry", "begun again"
    CANCEL = "cancel", "cancelled"
    REPARSE = "reparse", "queued to be read again"
    DELETE = "delete", "deleted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many documents it was done to, and a sentence for each that it was not."""

    done: int
    problems: tuple[str, ...]


def chosen(user: Any, uuids: Iterable[UUID]) -> DocumentQuerySet:
    """Return those of the documents that the user may change."""
    return Document.objects.editable_by(user).filter(uuid__in=list(uuids))


def apply(
    found: Iterable[Document],
    verb: Verb,
    *,
    tags: Iterable[str] = (),
    target: Collection | None = None,
) -> Outcome:
    """Do it to each of them. Raises labels.Invalid for tags that are none."""
    one = _doing(verb, labels.checked_tags(tags), target)
    done, problems = 0, []
    for document in found:
        try:
            one(document)
            done += 1
        except PermanentError as exc:
            problems.append(f"“{document.title}”: {exc}")
    return Outcome(done, tuple(problems))


def _doing(verb: Verb, tags: list[str], target: Collection | None) -> Callable[[Document], object]:
    match verb:
        case Verb.TAG:
            return lambda document: documents.label(document, tags=[*document.tags, *tags])
        case Verb.UNTAG:
            return lambda document: documents.label(
                document, tags=[tag for tag in document.tags if tag not in tags]
            )
        case Verb.MOVE:
            return lambda document: move(document, target)
        case Verb.RETRY:
            return documents.retry
        case Verb.CANCEL:
            return _cancel
        case Verb.REPARSE:
            return _reparse
        case Verb.DELETE:
            return documents.delete


def move(document: Document, target: Collection | None) -> None:
    """Put the document into another collection. Raises PermanentError."""
    if target is None:
        raise PermanentError("Choose a collection to move it to.")
    if document.source_path and target.pk != document.collection_id:
        raise PermanentError("It is kept in step with a folder: move the file there.")
    try:
        with transaction.atomic():
            Document.objects.filter(pk=document.pk).update(
                collection=target, updated_at=timezone.now()
            )
    except IntegrityError as exc:
        raise PermanentError(f"The same file is in “{target}” already.") from exc


def _cancel(document: Document) -> None:
    if not document.is_active:
        raise PermanentError("It is not being read.")
    documents.cancel(document)


def _reparse(document: Document) -> None:
    if document.is_active:
        raise PermanentError("It is being read already.")
    documents.reparse(document)
