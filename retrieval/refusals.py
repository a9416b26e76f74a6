"""Remember which chunks a model refused, so that it is not asked the same every few minutes.

Kept in the cache for a day: by then the service may read longer texts. Where the cache is away,
or two processes write at once, a chunk is only tried once more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from django.core.cache import cache
from redis import RedisError

from retrieval.models import SpaceVersion

logger = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600


def known(version: SpaceVersion) -> frozenset[int]:
    """Return the ids of the chunks that the version's model refused within the last day."""
    return frozenset(_kept(version))


def remember(version: SpaceVersion, chunk_ids: Iterable[int]) -> None:
    now = time.time()
    refused = _kept(version) | dict.fromkeys(chunk_ids, now)
    try:
        cache.set(_key(version), refused, KEPT_SECONDS)
    except RedisError as exc:
        logger.debug("What a model refused is not kept: %s", exc)


def forget(version: SpaceVersion) -> None:
    """Let everything be tried again."""
    try:
        cache.delete(_key(version))
    except RedisError as exc:
        logger.debug("What a model refused is not forgotten: %s", exc)


def _kept(version: SpaceVersion) -> dict[int, float]:
    try:
        found: dict[int, float] = cache.get(_key(version)) or {}
    except RedisError:
        return {}
    oldest = time.time() - KEPT_SECONDS
    return {pk: at for pk, at in found.items() if at > oldest}


def _key(version: SpaceVersion) -> str:
    return f"refused:{version.uuid.hex}"
