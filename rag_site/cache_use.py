"""How much the cache spares: searches answered from it, counted in Redis for all processes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import redis
from django.core.cache import cache
from django.utils import timezone

from rag_site import health

logger = logging.getLogger(__name__)

# For each day and place that an answer came from.
KEY = "searches:{day}:{source}"
KEPT_SECONDS = 3 * 24 * 3600
CACHE, INDEX = "cache", "index"


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Today's searches, how many of them the cache answered, and the bytes that Redis holds."""

    searches: int
    hits: int
    size_bytes: int

    @property
    def share(self) -> float:
        return self.hits / self.searches if self.searches else 0.0


def count(*, is_cached: bool) -> None:
    """Count one search; without Redis it is not counted."""
    key = _key(CACHE if is_cached else INDEX)
    try:
        try:
            cache.incr(key)
        except ValueError:
            # Two at the same moment, once a day, may count as one.
            cache.set(key, 1, KEPT_SECONDS)
    except redis.RedisError as exc:
        logger.debug("A search was not counted: %s", exc)


def today() -> CacheUse:
    """Return the counts of today. Raises redis.RedisError."""
    hits, others = (cache.get(_key(source)) or 0 for source in (CACHE, INDEX))
    memory = health.redis_client().info("memory")
    return CacheUse(hits + others, hits, int(memory["used_memory"]))


def _key(source: str) -> str:
    return KEY.format(day=timezone.localdate(), source=source)
