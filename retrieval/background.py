"""Ask the workers for index work, from any process."""

from __future__ import annotations

import logging
import time

from celery import current_app
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

logger = logging.getLogger(__name__)

NOT_AGAIN_WITHIN_SECONDS = 30
# Of 0 to 9, the lowest first. Filling a whole space waits for whatever people wait for.
PRIORITIES = {"build_space_version": 9, "run_evaluation": 9}
DEFAULT_PRIORITY = 3
_asked: dict[tuple, float] = {}


def request(task: str, *args: int) -> None:
    """Queue a task of retrieval.tasks; a queue that is away only delays the work.

    What a periodic task looks after anyway is not worth failing a search or an upload for.
    """
    try:
        current_app.send_task(
            f"retrieval.tasks.{task}",
            args=args,
            priority=PRIORITIES.get(task, DEFAULT_PRIORITY),
        )
    except (RedisError, BrokerError) as exc:
        logger.warning("%s waits: the task queue cannot be reached (%s).", task, exc)


def request_once(task: str, *args: int) -> None:
    """Like request, but stay quiet if this process asked for the same a moment ago."""
    now = time.monotonic()
    if now - _asked.get((task, *args), float("-inf")) > NOT_AGAIN_WITHIN_SECONDS:
        _asked[task, *args] = now
        request(task, *args)
