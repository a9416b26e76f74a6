"""Work on many documents or on the whole index, done by a worker and followed by people.

What is known of each is kept in the cache for a day: it is news, not truth.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from celery import current_app
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from ingestion import documents, liveness
from ingestion.errors import PermanentError, TransientError
from ingestion.findings import Finding
from ingestion.models import ACTIVE_STATES, UNFINISHED_STATES, Document, DocumentState
from rag_site import doctor

logger = logging.getLogger(__name__)

TASK = "rag_site.tasks.run_operation"
RECENT_KEY = "operations:recent"
KEPT_SECONDS = 24 * 3600
KEPT = 8
# How often progress is told, in documents.
TOLD_EVERY = 10

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
RESTING = (DocumentState.READY, *UNFINISHED_STATES)


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be done: what its button says, and what is asked before.

    `verb` is done to each document in one of the `states`; without one it is the doctor's.
    """

    title: str
    sentence: str
    states: tuple[str, ...] = ()
    verb: Callable[[Document], object] | None = None
    is_grave: bool = False


KINDS = {
    "retry": Kind(
        "Retry what failed or was cancelled",
        "What failed or was cancelled goes on where it stopped; skipped pages get another chance.",
        UNFINISHED_STATES,
        documents.retry,
    ),
    "cancel": Kind(
        "Cancel all work",
        "Documents that wait or are worked on stop where they are, and can be retried; those that "
        "are read again stay as they are searched now.",
        ACTIVE_STATES,
        documents.cancel,
        is_grave=True,
    ),
    "reparse": Kind(
        "Parse again",
        "Every page is read anew. What is searched now stays until the new parse is ready.",
        RESTING,
        documents.reparse,
        is_grave=True,
    ),
    "reindex": Kind(
        "Index again",
        "Passages and their vectors are made anew from the parsed pages. What is searched "
        "now stays until they are ready.",
        RESTING,
        documents.reindex,
    ),
    "examine": Kind(
        "Examine the index",
        "Rows, vectors, indexes and files are held against each other. Nothing is changed.",
    ),
    "repair": Kind(
        "Repair the index",
        "What the examination finds is mended from the database. Searches and uploads go on; "
        "no document can be lost by it.",
    ),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One piece of work that somebody asked for, and how far it is."""

    id: str
    kind: str
    user_id: int
    username: str
    asked_at: datetime
    collection: int | None = None
    state: str = WAITING
    done: int = 0
    total: int = 0
    note: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def title(self) -> str:
        return KINDS[self.kind].title

    @property
    def is_over(self) -> bool:
        return self.state in (DONE, FAILED)


def affected(kind: str, user: Any, *, collection: int | None = None) -> QuerySet[Document]:
    """The documents that an operation of this kind would be done to: those the user may edit."""
    found = Document.objects.editable_by(user).filter(state__in=KINDS[kind].states)
    return found if collection is None else found.filter(collection=collection)


def begin(kind: str, user: Any, *, collection: int | None = None) -> Operation:
    """Ask a worker for it. Raises TransientError when the queue cannot be reached."""
    operation = Operation(
        uuid.uuid4().hex, kind, user.pk, user.get_username(), timezone.now(), collection
    )
    try:
        _keep(operation)
        cache.set(RECENT_KEY, [operation.id, *_recent_ids()][:KEPT], KEPT_SECONDS)
        current_app.send_task(TASK, args=(operation.id,))
    except (RedisError, BrokerError) as exc:
        raise TransientError("The task queue does not answer. Try again in a moment.") from exc
    return operation


def recent() -> list[Operation]:
    """The last few operations, the newest first; none where the cache does not answer."""
    try:
        found = cache.get_many([_key(one) for one in _recent_ids()])
    except RedisError:
        return []
    return sorted(found.values(), key=lambda operation: operation.asked_at, reverse=True)


def run(operation_id: str) -> None:
    """Do it, telling how far it is. Doing it again does no harm.

    Raises liveness.Held while another process does it: what takes long is delivered twice.
    """
    held = f"operation-{operation_id}"
    with liveness.in_hand(held):
        _run(operation_id)
    liveness.clear(held)


def _run(operation_id: str) -> None:
    operation: Operation | None = cache.get(_key(operation_id))
    if operation is None or operation.is_over:
        return
    operation = _keep(replace(operation, state=RUNNING))
    try:
        verb = KINDS[operation.kind].verb
        operation = _examined(operation) if verb is None else _each(operation, verb)
    except (PermanentError, TransientError) as exc:
        _keep(replace(operation, state=FAILED, note=str(exc)))
        return
    except Exception as exc:
        _keep(replace(operation, state=FAILED, note=f"An unexpected error: {exc!r}"))
        raise
    _keep(replace(operation, state=DONE))


def _each(operation: Operation, verb: Callable[[Document], object]) -> Operation:
    user = get_user_model().objects.get(pk=operation.user_id)
    chosen = affected(operation.kind, user, collection=operation.collection)
    ids = list(chosen.order_by("pk").values_list("pk", flat=True))
    operation, done = replace(operation, total=len(ids)), 0
    for number, pk in enumerate(ids, start=1):
        # What has changed its state since is left alone.
        document = chosen.filter(pk=pk).first()
        if document is not None:
            with contextlib.suppress(PermanentError):
                verb(document)
                done += 1
        operation = replace(operation, done=number)
        if number % TOLD_EVERY == 0:
            _keep(operation)
    return replace(operation, note=f"{done} document{'' if done == 1 else 's'}.")


def _examined(operation: Operation) -> Operation:
    findings = doctor.repair() if operation.kind == "repair" else doctor.examine()
    note = "" if findings else "Everything is in step."
    return replace(operation, findings=tuple(findings), note=note)


def _keep(operation: Operation) -> Operation:
    cache.set(_key(operation.id), operation, KEPT_SECONDS)
    return operation


def _key(operation_id: str) -> str:
    return f"operation:{operation_id}"


def _recent_ids() -> list[str]:
    return list(cache.get(RECENT_KEY) or [])
