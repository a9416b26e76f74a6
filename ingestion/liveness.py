"""Who has a document in hand: one Redis key per run of the pipeline.

The key lives beside the queue in the same Redis. While a task waits in the queue it has no
expiry; while a worker has it in hand, a thread renews a short one. So a missing key means
that either the worker died or the queue was lost, and the document can be put back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import redis
from django.conf import settings

IN_HAND_SECONDS = 20
RENEW_SECONDS = 5


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def _connection() -> redis.Redis:
    return _client(settings.REDIS_URL)


def _key(run: str) -> str:
    return f"pagewise:run:{run}"


def mark_waiting(run: str) -> None:
    """Say that a task of this run lies in the queue."""
    _connection().set(_key(run), "waiting")


def clear(run: str) -> None:
    _connection().delete(_key(run))


def lost(runs: Iterable[str]) -> set[str]:
    """Return those of the runs that nobody holds and that are not in the queue."""
    wanted = list(runs)
    if not wanted:
        return set()
    values = _connection().mget([_key(run) for run in wanted])
    return {run for run, value in zip(wanted, values, strict=True) if value is None}


@contextmanager
def in_hand(run: str) -> Iterator[None]:
    """Hold the run for as long as this process lives, then mark it as waiting again."""
    done = threading.Event()

    def renew() -> None:
        _connection().set(_key(run), "in hand", ex=IN_HAND_SECONDS)
        while not done.wait(RENEW_SECONDS):
            try:
                _connection().set(_key(run), "in hand", ex=IN_HAND_SECONDS)
            except redis.RedisError:
                continue  # A broker that comes back within the expiry loses nothing.

    renewer = threading.Thread(target=renew, name=f"run-{run}", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()
        mark_waiting(run)
