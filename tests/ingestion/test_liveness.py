"""A run is lost when nobody holds it and it is not in the queue."""

from __future__ import annotations

import redis

from ingestion import liveness


def test_waiting_and_held_runs_are_not_lost(redis_url: str) -> None:
    liveness.mark_waiting("queued")
    with liveness.in_hand("held"):
        assert liveness.lost(["queued", "held", "gone"]) == {"gone"}
    assert liveness.lost(["held"]) == set()
    liveness.clear("queued")
    assert liveness.lost(["queued"]) == {"queued"}


def test_a_held_run_expires_when_its_process_dies(redis_url: str) -> None:
    with liveness.in_hand("held"):
        ttl = redis.Redis.from_url(redis_url).ttl("pagewise:run:held")
    assert 0 < ttl <= liveness.IN_HAND_SECONDS
    assert redis.Redis.from_url(redis_url).ttl("pagewise:run:held") == -1
