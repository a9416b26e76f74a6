"""Who has a document in hand: one Redis key per run of the pipeline.

The key lives beside the queue in the same Redis. While a task waits in the queue it says
"waiting"; while a worker has it in hand, it names the process, and a thread renews its short
expiry. So a key that is missing, or that names a process that is gone, means that the worker
died or the queue was lost, and the document can be put back.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import redis
from django.conf import settings

IN_HAND_SECONDS = 20
RENEW_SECONDS = 5
# Nobody waits so long; the keys of runs that were superseded in the queue go then.
LONGEST_WAIT_SECONDS = 7 * 24 * 3600
WAITING = "waiting"


class Held(Exception):
    """Another living process has this very run in hand: the task was delivered twice."""


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def _connection() -> redis.Redis:
    return _client(settings.REDIS_URL)


def _key(run: str) -> str:
    return f"pagewise:run:{run}"


def mark_waiting(run: str, *, seconds: int = LONGEST_WAIT_SECONDS) -> None:
    """Say that a task of this run lies in the queue, for so many seconds at most."""
    _connection().set(_key(run), WAITING, ex=seconds)


def clear(run: str) -> None:
    """Forget a run; a Redis that is away forgets it by itself, or keeps a key that no one reads."""
    with contextlib.suppress(redis.RedisError):
        _connection().delete(_key(run))


def lost(runs: Iterable[str]) -> set[str]:
    """Return those of the runs that no living process holds and that are not in the queue."""
    return {run for run, value in _values(runs) if value is None or _is_dead(value)}


def any_waiting(runs: Iterable[str]) -> bool:
    """Tell whether a task of one of the runs lies in the queue."""
    return any(value == WAITING for _, value in _values(runs))


def count_in_hand(runs: Iterable[str]) -> int:
    """Return how many of the runs a living process holds."""
    values = [value for _, value in _values(runs) if value is not None]
    return sum(value != WAITING and not _is_dead(value) for value in values)


def _values(runs: Iterable[str]) -> list[tuple[str, str | None]]:
    wanted = list(runs)
    if not wanted:
        return []
    found = _connection().mget([_key(run) for run in wanted])
    return [
        (run, None if value is None else str(value))
        for run, value in zip(wanted, found, strict=True)
    ]


@contextmanager
def in_hand(run: str) -> Iterator[None]:
    """Hold the run for as long as this process lives; afterwards it waits in the queue again.

    Raises Held when another process has it. When the block raises, the run counts as lost.
    """
    _take(run)
    done = threading.Event()
    renewer = threading.Thread(target=_renew, args=(run, done), name=f"run-{run}", daemon=True)
    renewer.start()
    try:
        yield
    except BaseException:
        _let_go(done, renewer)
        clear(run)
        raise
    _let_go(done, renewer)
    # A queue that is away now cannot take the next task either: the run counts as lost.
    with contextlib.suppress(redis.RedisError):
        mark_waiting(run)


def _take(run: str) -> None:
    key = _key(run)

    def take(pipe: redis.client.Pipeline) -> None:
        holder = pipe.get(key)
        if holder and holder != WAITING and not _is_dead(str(holder)):
            raise Held(run)
        pipe.multi()
        pipe.set(key, _this_process(), ex=IN_HAND_SECONDS)

    _connection().transaction(take, key)


def _renew(run: str, done: threading.Event) -> None:
    while not done.wait(RENEW_SECONDS):
        # A Redis that comes back within the expiry loses nothing.
        with contextlib.suppress(redis.RedisError):
            _connection().set(_key(run), _this_process(), ex=IN_HAND_SECONDS)


def _let_go(done: threading.Event, renewer: threading.Thread) -> None:
    done.set()
    renewer.join()


# --- processes -------------------------------------------------------------------------------


def _this_process() -> str:
    pid = os.getpid()
    return f"{socket.gethostname()} {pid} {_started(pid)}"


def _is_dead(value: str) -> bool:
    """Tell whether the key names a process of this machine that is gone.

    Of other machines nothing is known: their keys expire.
    """
    host, _, process = value.rpartition(" ")[0].rpartition(" ")
    if value == WAITING or host != socket.gethostname():
        return False
    return _started(int(process)) != value.rpartition(" ")[2]


def _started(pid: int) -> str:
    """When the process started, in clock ticks since the machine did; nothing if it is gone.

    Together with its number this names a process for good: numbers are used again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "" if Path("/proc/self").exists() else "unknown"
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended; only its parent has not looked yet.
    return "" if fields[0] == "Z" else fields[19]
