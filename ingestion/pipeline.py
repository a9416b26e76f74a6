"""Send documents down settings.INGESTION_PIPELINE, and let no step run for an old run.

Each trip of a document has a run id, kept in `Document.run`. A step that finds another id
there was superseded (cancelled, retried, put back) and ends quietly.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from typing import Any

from celery import chain, shared_task, signature
from celery.exceptions import Ignore
from django.conf import settings
from django.db import OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from ingestion import liveness
from ingestion.errors import PermanentError, TransientError
from ingestion.models import Document, DocumentState

logger = logging.getLogger(__name__)

PUBLISH = "ingestion.tasks.publish_document"
MAX_RETRIES = 4
MAX_ATTEMPTS = 6


class Superseded(Exception):
    """Another run has taken over, or the document was cancelled or deleted."""


def start(document: Document) -> None:
    """Begin a new run: queue the document's way from the first step that is not done.

    Call it inside the transaction that made the document ready to go; the tasks are sent
    when that commits.
    """
    run = uuid.uuid4().hex
    Document.objects.filter(pk=document.pk).update(
        run=run, state=DocumentState.QUEUED, error="", chunks_embedded=0
    )
    document.refresh_from_db(fields=["run", "state", "error", "chunks_embedded"])
    transaction.on_commit(functools.partial(_send, document.pk, run))


def _send(document_id: int, run: str) -> None:
    steps = [*settings.INGESTION_PIPELINE, PUBLISH]
    try:
        liveness.mark_waiting(run)
        chain(*(signature(step, args=(document_id, run), immutable=True) for step in steps))()
    except (RedisError, BrokerError) as exc:
        # The document stays queued in the database, and is put back when the broker returns.
        logger.error("Document %s waits: the task queue cannot be reached (%s).", document_id, exc)


def keep(document_id: int, run: str, /, **fields: Any) -> None:
    """Store progress for this run; raises Superseded if the document is no longer its."""
    if not fields:
        alive = Document.objects.filter(pk=document_id, run=run).exists()
    else:
        alive = bool(Document.objects.filter(pk=document_id, run=run).update(**fields))
    if not alive:
        raise Superseded(f"document {document_id}, run {run}")


def fail(document_id: int, run: str, message: str) -> None:
    """End this run with a sentence that says why."""
    Document.objects.filter(pk=document_id, run=run).update(
        state=DocumentState.FAILED, error=message, run=""
    )
    liveness.clear(run)


def step(function: Callable[[Document, str], bool]) -> Any:
    """Make a pipeline task of `function(document, run)`.

    The function returns True when its step is complete, and False when it gives way to
    other documents and wants to go on later. PermanentError fails the document;
    TransientError, and a database or broker that is away, are retried with backoff.
    """

    @shared_task(bind=True, name=f"{function.__module__}.{function.__name__}", max_retries=None)
    @functools.wraps(function)
    def task(self: Any, document_id: int, run: str) -> None:
        try:
            document = Document.objects.select_related("collection").get(pk=document_id, run=run)
            with liveness.in_hand(run):
                complete = function(document, run)
        except (Document.DoesNotExist, Superseded):
            raise Ignore from None
        except PermanentError as exc:
            fail(document_id, run, str(exc))
            raise Ignore from exc
        except (TransientError, OperationalError, RedisError) as exc:
            _retry(self, document_id, run, exc)
        if not complete:
            self.replace(self.si(document_id, run))

    return task


def _retry(task: Any, document_id: int, run: str, exc: Exception) -> None:
    if task.request.retries >= MAX_RETRIES:
        fail(document_id, run, f"It failed {MAX_RETRIES + 1} times in a row. The last time: {exc}")
        raise Ignore from exc
    logger.warning("Document %s is retried: %s", document_id, exc)
    raise task.retry(exc=exc, countdown=2**task.request.retries)


def put_back_lost() -> int:
    """Start again every document whose worker died or whose task was lost; return how many.

    Finished pages and vectors are kept, so it goes on where it stopped.
    """
    runs = dict(Document.objects.active().values_list("run", "pk"))
    lost = liveness.lost(runs)
    for run in lost:
        with transaction.atomic():
            document = Document.objects.select_for_update().filter(pk=runs[run], run=run).first()
            if document is not None:
                _put_back(document)
    return len(lost)


def _put_back(document: Document) -> None:
    document.attempts += 1
    document.save(update_fields=["attempts"])
    if document.attempts > MAX_ATTEMPTS:
        fail(
            document.pk,
            document.run,
            f"The worker died {MAX_ATTEMPTS} times over it, without finishing a page between.",
        )
        return
    logger.warning("Document %s is put back: its worker or its task was lost.", document.pk)
    start(document)
