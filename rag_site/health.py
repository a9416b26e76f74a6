"""What works and what does not, for people (status page) and programs (/health)."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection

# A sorted set: each worker's name, by when it last reported.
WORKERS_KEY = "pagewise:workers"
WORKER_SECONDS = 30
LOW_DISK_MB = 1000


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the system: whether it works, and a sentence about it.

    Without an `essential` part nothing works; the rest degrades.
    """

    name: str
    ok: bool
    detail: str
    essential: bool = True


def services() -> list[Check]:
    """Check everything that runs beside this process."""
    return [_database(), *_redis_and_worker(), _disk(), _reader()]


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as exc:
        return Check("Database", False, f"The database does not answer: {exc}")
    return Check("Database", True, f"{connection.display_name} answers.")


def redis_client() -> redis.Redis:
    """A connection that does not wait long: what is asked is how things are now."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)


def _redis_and_worker() -> list[Check]:
    try:
        seen = worker_seen_at()
    except redis.RedisError as exc:
        return [
            Check("Task queue", False, f"Redis does not answer: {exc}"),
            Check("Worker", False, "Unknown while the task queue does not answer."),
        ]
    kind = "A private server" if settings.REDIS_IS_EMBEDDED else "Redis"
    queue = Check("Task queue", True, f"{kind} answers.")
    if seen is None:
        detail = "No worker has reported lately: uploads wait. Start one, or restart Pagewise."
        return [queue, Check("Worker", False, detail)]
    return [
        queue,
        Check("Worker", True, f"Reported {max(0, int(time.time() - seen))} s ago."),
    ]


def workers() -> dict[str, float]:
    """When each worker that is alive last reported, in seconds since the epoch.

    Raises redis.RedisError.
    """
    since = time.time() - WORKER_SECONDS
    found: Any = redis_client().zrangebyscore(WORKERS_KEY, since, "+inf", withscores=True)
    return {name.decode(): float(seen) for name, seen in found}


def worker_seen_at() -> float | None:
    """When a worker last reported, in seconds since the epoch. Raises redis.RedisError."""
    return max(workers().values(), default=None)


def queue_lengths() -> dict[str, int]:
    """Count the tasks that wait for a worker, by queue. Raises redis.RedisError."""
    options: dict[str, Any] = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    client = redis_client()
    return {
        # Kombu keeps one list for each priority; the first bears the queue's own name.
        queue: sum(
            int(client.llen(f"{queue}\x06\x16{step}" if step else queue))
            for step in options["priority_steps"]
        )
        for queue in settings.QUEUES
    }


def queue_length() -> int:
    """Count the tasks that wait for a worker. Raises redis.RedisError."""
    return sum(queue_lengths().values())


def report_worker_alive(name: str) -> None:
    """Called by workers at every heartbeat."""
    client, now = redis_client(), time.time()
    client.zadd(WORKERS_KEY, {name: now})
    client.zremrangebyscore(WORKERS_KEY, "-inf", now - WORKER_SECONDS)


def report_worker_gone(name: str) -> None:
    """Called by a worker that ends."""
    redis_client().zrem(WORKERS_KEY, name)


def _disk() -> Check:
    free_mb = shutil.disk_usage(settings.DATA_DIR).free // 2**20
    ok = free_mb >= LOW_DISK_MB
    detail = f"{free_mb / 1024:.1f} GB are free in {settings.DATA_DIR}."
    return Check("Disk", ok, detail if ok else f"{detail} Free some space.", essential=False)


def _reader() -> Check:
    if endpoint := settings.ENDPOINTS.get(settings.READER):
        detail = f"Answers are written by {endpoint['model']} at {endpoint['base_url']}."
    elif settings.VLM_BASE_URL:
        detail = f"Answers are written by {settings.VLM_MODEL} at {settings.VLM_BASE_URL}."
    else:
        detail = (
            "No model is configured: answers are quotes from the documents. "
            "Set VLM_BASE_URL and VLM_MODEL for written answers."
        )
    return Check("Reader", True, detail, essential=False)
