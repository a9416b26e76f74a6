"""Everything that an administrator looks at first, gathered and nothing changed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.db.models import Count, Sum
from kombu.exceptions import OperationalError as BrokerError

from ingestion import liveness
from ingestion.models import Chunk, Document, DocumentState, Page
from rag_site import cache_use, health, operations
from rag_site.cache_use import CacheUse
from rag_site.health import Check
from rag_site.operations import Operation
from retrieval import spaces, status
from retrieval.models import SpaceVersion
from retrieval.space_status import SpaceStatus
from retrieval.status import ModelState

# Longer than any task should take: then its message is delivered again.
_broker: dict[str, Any] = settings.CELERY_BROKER_TRANSPORT_OPTIONS
STUCK_SECONDS: int = _broker["visibility_timeout"]
ANSWER_SECONDS = 1.0
ERRORS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Library:
    """How much there is: documents by state, pages, passages, bytes of the uploaded files."""

    states: dict[str, int]
    documents: int
    pages: int
    chunks: int
    size_bytes: int

    @property
    def active(self) -> int:
        return self.states["queued"] + self.states["parsing"] + self.states["embedding"]


@dataclass(frozen=True, slots=True)
class Task:
    """A task that a worker has in hand; `seconds` is how long."""

    name: str
    subject: str
    worker: str
    seconds: float

    @property
    def is_stuck(self) -> bool:
        return self.seconds > STUCK_SECONDS


@dataclass(frozen=True, slots=True)
class Work:
    """The queues and who works on them; `problem` is a sentence when it cannot be told.

    `workers` maps names to the seconds since each reported. `lost` documents have no living
    worker and no task: they are put back at the next look.
    """

    queues: dict[str, int]
    workers: dict[str, float]
    tasks: Sequence[Task]
    lost: int
    problem: str = ""

    @property
    def waiting(self) -> int:
        return sum(self.queues.values())


@dataclass(frozen=True, slots=True)
class Space:
    """A space as it is searched now, and all its versions, the newest first."""

    now: SpaceStatus
    versions: Sequence[SpaceVersion]

    @property
    def has_model(self) -> bool:
        return self.now.dimension > 0

    @property
    def can_roll_back(self) -> bool:
        live = next((one for one in self.versions if one.number == self.now.version), None)
        return live is not None and SpaceVersion.objects.before(live) is not None


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the disk that DATA_DIR is on, and of the indexes there."""

    total: int
    free: int
    index: int

    @property
    def used(self) -> int:
        return self.total - self.free

    @property
    def is_low(self) -> bool:
        return self.free < health.LOW_DISK_MB * 2**20


@dataclass(frozen=True, slots=True)
class Dashboard:
    library: Library
    work: Work
    spaces: Sequence[Space]
    models: Sequence[ModelState]
    services: Sequence[Check]
    disk: Disk
    cache: CacheUse | None
    failed: Sequence[Document]
    operations: Sequence[Operation]


def gather(user: Any) -> Dashboard:
    """Look at everything; of the failed documents, at those that the user may read."""
    failed = Document.objects.visible_to(user).filter(state=DocumentState.FAILED)
    return Dashboard(
        library=_library(),
        work=_work(user),
        spaces=_spaces(),
        models=status.model_states(),
        services=health.services(),
        disk=_disk(),
        cache=_cache(),
        failed=list(failed.order_by("-updated_at")[:ERRORS_SHOWN]),
        operations=operations.recent(),
    )


def _library() -> Library:
    counts = dict(Document.objects.order_by().values_list("state").annotate(Count("pk")))
    return Library(
        states={str(state): counts.get(state, 0) for state in DocumentState.values},
        documents=sum(counts.values()),
        pages=Page.objects.count(),
        chunks=Chunk.objects.live().count(),
        size_bytes=Document.objects.aggregate(size=Sum("size_bytes"))["size"] or 0,
    )


def _work(user: Any) -> Work:
    try:
        now = time.time()
        workers = {name: max(0.0, now - seen) for name, seen in health.workers().items()}
        runs = dict(Document.objects.active().values_list("run", "title"))
        lost = len(liveness.lost(runs))
        return Work(health.queue_lengths(), workers, _tasks(list(workers), user), lost)
    except (redis.RedisError, BrokerError, OSError) as exc:
        return Work({}, {}, [], 0, f"The task queue does not answer: {exc}")


def _tasks(workers: list[str], user: Any) -> list[Task]:
    if not workers:
        return []
    # With a limit it is over as soon as all have answered.
    ask = current_app.control.inspect(
        destination=workers, timeout=ANSWER_SECONDS, limit=len(workers)
    )
    found = [(worker, task) for worker, tasks in (ask.active() or {}).items() for task in tasks]
    titles = _titles([task for _, task in found], user)
    now = time.time()
    tasks = [
        Task(
            task["name"].rpartition(".")[2].replace("_", " "),
            titles.get(_document_of(task), ""),
            worker,
            max(0.0, now - (task.get("time_start") or now)),
        )
        for worker, task in found
    ]
    return sorted(tasks, key=lambda task: -task.seconds)


def _document_of(task: dict[str, Any]) -> int | None:
    # Steps of the pipeline are called with a document's id and a run.
    arguments = task.get("args") or []
    return arguments[0] if len(arguments) == 2 else None


def _titles(tasks: Sequence[dict[str, Any]], user: Any) -> dict[int | None, str]:
    ids = [pk for pk in map(_document_of, tasks) if isinstance(pk, int)]
    readable = Document.objects.visible_to(user).filter(pk__in=ids)
    return dict(readable.values_list("pk", "title"))


def _spaces() -> list[Space]:
    versions: dict[str, list[SpaceVersion]] = {}
    for version in SpaceVersion.objects.order_by("space", "-number"):
        versions.setdefault(version.space, []).append(version)
    return [Space(now, versions.get(now.name, [])) for now in spaces.describe()]


def _cache() -> CacheUse | None:
    try:
        return cache_use.today()
    except redis.RedisError:
        return None


def _disk() -> Disk:
    usage = shutil.disk_usage(settings.DATA_DIR)
    return Disk(usage.total, usage.free, sum(_sizes(Path(settings.INDEX_DIR))))


def _sizes(folder: Path) -> Iterator[int]:
    # Workers replace files, and folders, meanwhile.
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield Path(place, name).stat().st_size
