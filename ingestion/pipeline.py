"""Send documents down settings.INGESTION_PIPELINE, and let no step run for an old run.

Each trip of a document has a run id, kept in `Document.run`. A step that finds another id
there was superseded (cancelled, retried, put back) and ends quietly.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Task, chain, current_app, shared_task, signature
from celery.exceptions import Ignore
from celery.signals import task_failure
from django.conf import settings
from django.db import OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from ingestion import files, liveness
from ingestion.errors import PermanentError, TransientError
from ingestion.models import Document, DocumentState
from ingestion.signals import document_failed

logger = logging.getLogger(__name__)

PUBLISH = "ingestion.tasks.publish_document"
PUT_BACK = "ingestion.tasks.put_back_stuck_documents"
MAX_RETRIES = 4
MAX_ATTEMPTS = 6
# A task that waits for its retry is held by the worker, and lost with it.
RETRY_GRACE_SECONDS = 60
# In Redis a lower number goes first, and 0 is what everything else has: what was begun is
# brought to its end, then fresh documents come, then those that gave way to them.
FRESH, GAVE_WAY = 3, 6
# After this long a document gives way to others that wait ...
TURN_SECONDS = 20
# ... or after so many times what it took to begin: on a busy machine it would do little else;
BEGINNINGS = 2
# ... and after this long in any case: an unfinished task is delivered again, to another worker.
LONGEST_TURN_SECONDS = 300
# How long a worker may take to say that it is there.
ANSWER_SECONDS = 2.0
ASK_ONCE = {"max_retries": 1, "socket_connect_timeout": 2}


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
    first, *others = (
        signature(name, args=(document_id, run), immutable=True)
        for name in (*settings.INGESTION_PIPELINE, PUBLISH)
    )
    try:
        liveness.mark_waiting(run)
        chain(first.set(priority=FRESH), *others)()
    except (RedisError, BrokerError) as exc:
        # The document stays queued in the database, and is put back when the broker returns.
        logger.error("Document %s waits: the task queue cannot be reached (%s).", document_id, exc)
        liveness.clear(run)


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
    with transaction.atomic():
        failed = Document.objects.filter(pk=document_id, run=run)
        if failed.update(state=DocumentState.FAILED, error=message, run=""):
            document_failed.send(sender=Document, document=Document.objects.get(pk=document_id))
    liveness.clear(run)


class Turn:
    """A document's turn at a worker, which ends when others have waited long enough.

    One that is `starting` does not end before it is told to `begin`, when models are loaded
    and processes have started: on a busy machine that alone would use up every turn, and
    nothing would come of any.
    """

    def __init__(self, document: Document, *, starting: bool = False) -> None:
        self._document = document
        self._began = time.monotonic()
        self._seconds = float(LONGEST_TURN_SECONDS if starting else TURN_SECONDS)

    def begin(self) -> None:
        """Count from now; what came before was needed to begin, and is paid for each turn."""
        now = time.monotonic()
        self._seconds = max(TURN_SECONDS, BEGINNINGS * (now - self._began))
        self._began = now

    def is_over(self) -> bool:
        """Tell whether the step should give way, and return False."""
        taken = time.monotonic() - self._began
        return taken > LONGEST_TURN_SECONDS or (taken > self._seconds and self._others_wait())

    def _others_wait(self) -> bool:
        others = Document.objects.active().exclude(pk=self._document.pk)
        # Only as many runs are in hand as there are worker processes: among so many, one waits.
        return liveness.any_waiting(others.values_list("run", flat=True)[:200])


def why_nothing_moves() -> str:
    """Return a sentence when nobody takes what is queued; nothing when a worker answers."""
    try:
        with current_app.connection_for_write(transport_options=ASK_ONCE) as connection:
            answers = current_app.control.ping(timeout=ANSWER_SECONDS, connection=connection)
    except (RedisError, BrokerError, OSError):
        return (
            f"The task queue at {settings.REDIS_URL} does not answer. What is submitted waits "
            "until Pagewise runs: manage.py serve."
        )
    if answers:
        return ""
    return "No worker answers. What is submitted waits until Pagewise runs: manage.py serve."


# --- steps -----------------------------------------------------------------------------------


class Step(Task):
    """A task of the pipeline; what nobody foresaw fails the document, and says so."""

    abstract = True
    # A lost document is put back, which counts how often it was: a task that is delivered
    # again and again would kill one worker after the other.
    reject_on_worker_lost = False

    def on_failure(
        self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: object
    ) -> None:
        document_id, run = args
        fail(
            document_id,
            run,
            f"An unexpected error stopped it ({type(exc).__name__}: {exc}). "
            "The worker's log has the details.",
        )


def step(function: Callable[[Document, str], bool]) -> Any:
    """Make a pipeline task of `function(document, run)`.

    The function returns True when its step is complete, and False when it gives way to
    other documents and wants to go on later. PermanentError and a full disk fail the
    document; TransientError, and a database, broker or storage that is away, are retried
    with backoff.
    """

    @shared_task(
        bind=True,
        base=Step,
        name=f"{function.__module__}.{function.__name__}",
        max_retries=None,
    )
    @functools.wraps(function)
    def task(self: Any, document_id: int, run: str) -> None:
        try:
            document = Document.objects.select_related("collection").get(pk=document_id, run=run)
            with liveness.in_hand(run):
                if document.error:
                    keep(document_id, run, error="")
                complete = function(document, run)
        except Document.DoesNotExist:
            raise Ignore from None
        except Superseded:
            _clear_up(document)
            raise Ignore from None
        except liveness.Held:
            raise Ignore from None
        except PermanentError as exc:
            fail(document_id, run, str(exc))
            raise Ignore from exc
        except (TransientError, OperationalError, RedisError, OSError) as exc:
            _retry(self, document_id, run, exc)
        if not complete:
            _go_on_later(self, document_id, run)
        _forget_if_over(document_id, run)

    return task


def _forget_if_over(document_id: int, run: str) -> None:
    """Forget a run whose last step this was, or that was superseded: nothing waits any more."""
    # Where the database is away just now, the key goes in its time.
    with contextlib.suppress(OperationalError):
        if not Document.objects.filter(pk=document_id, run=run).exists():
            liveness.clear(run)


def _go_on_later(task: Any, document_id: int, run: str) -> None:
    try:
        task.replace(task.si(document_id, run).set(priority=GAVE_WAY))
    except BrokerError as exc:
        # Nothing is lost but the task, and it is put back when the broker returns.
        liveness.clear(run)
        raise Ignore from exc


def _clear_up(document: Document) -> None:
    """Remove what was written for a document while it was being deleted."""
    if not Document.objects.filter(pk=document.pk).exists():
        files.delete_folder(document.folder)


def _retry(task: Any, document_id: int, run: str, exc: Exception) -> None:
    if files.is_disk_full(exc):
        fail(document_id, run, f"{files.DISK_FULL} Then retry: it goes on where it stopped.")
        raise Ignore from exc
    if task.request.retries >= MAX_RETRIES:
        fail(document_id, run, f"{_reason(exc)} It was tried {MAX_RETRIES + 1} times.")
        raise Ignore from exc
    logger.warning("Document %s is retried: %s", document_id, exc)
    countdown = 2**task.request.retries
    if isinstance(exc, TransientError) and exc.retry_after:
        countdown = exc.retry_after
        # Long enough for people to ask why nothing moves.
        waits = Document.objects.filter(pk=document_id, run=run)
        waits.update(error=f"{exc} It is tried again in a few minutes.")
    try:
        liveness.mark_waiting(run, seconds=countdown + RETRY_GRACE_SECONDS)
    except RedisError:
        # The broker is away and takes no retry: the document is put back when it returns.
        raise Ignore from exc
    raise task.retry(exc=exc, countdown=countdown)


def _reason(exc: Exception) -> str:
    if isinstance(exc, TransientError):
        return str(exc)
    if isinstance(exc, OperationalError):
        return f"The database could not be used: {exc}."
    if isinstance(exc, RedisError):
        return f"The task queue could not be reached: {exc}."
    return f"The file storage could not be used: {exc}."


# --- what was lost ---------------------------------------------------------------------------


@task_failure.connect
def _put_back_after_a_death(
    sender: Any = None, exception: Exception | None = None, args: Any = None, **_: object
) -> None:
    """When a worker process dies over a step, do not wait for the next look at all documents."""
    if isinstance(exception, WorkerLostError) and isinstance(sender, Step):
        liveness.clear(args[1])
        current_app.send_task(PUT_BACK)


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
    # One that no worker had begun is lost with the queue, which is nobody's fault.
    document.attempts += document.state != DocumentState.QUEUED
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
