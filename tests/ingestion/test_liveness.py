"""A run is lost when no living process holds it and it is not in the queue."""

from __future__ import annotations

import subprocess
import sys

import pytest
import redis

from ingestion import liveness

HOLDER = """
import sys
from django.conf import settings
settings.configure(REDIS_URL=sys.argv[1])
from ingestion import liveness
liveness._take(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


def start_holder(redis_url: str, run: str) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, redis_url, run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


def test_waiting_and_held_runs_are_not_lost(redis_url: str) -> None:
    liveness.mark_waiting("queued")
    with liveness.in_hand("held"):
        assert liveness.lost(["queued", "held", "gone"]) == {"gone"}
        assert liveness.count_in_hand(["queued", "held", "gone"]) == 1
        assert liveness.any_waiting(["queued", "held"])
        assert not liveness.any_waiting(["held", "gone"])
    assert liveness.lost(["held"]) == set()
    liveness.clear("queued")
    assert liveness.lost(["queued"]) == {"queued"}


def test_a_held_run_expires_when_its_machine_dies(redis_url: str) -> None:
    with liveness.in_hand("held"):
        ttl = redis.Redis.from_url(redis_url).ttl("pagewise:run:held")
    assert 0 < ttl <= liveness.IN_HAND_SECONDS
    ttl = redis.Redis.from_url(redis_url).ttl("pagewise:run:held")
    assert liveness.IN_HAND_SECONDS < ttl <= liveness.LONGEST_WAIT_SECONDS


def test_a_run_is_lost_as_soon_as_its_process_is_killed(redis_url: str) -> None:
    with start_holder(redis_url, "theirs") as holder:
        assert liveness.lost(["theirs"]) == set()
        holder.kill()
        holder.wait()
        assert liveness.lost(["theirs"]) == {"theirs"}
    with liveness.in_hand("theirs"):
        assert liveness.lost(["theirs"]) == set()


def test_a_run_is_held_by_one_process_alone(redis_url: str) -> None:
    with start_holder(redis_url, "twice") as holder:
        with pytest.raises(liveness.Held), liveness.in_hand("twice"):
            pass
        assert liveness.lost(["twice"]) == set()
        holder.kill()


def test_a_run_whose_block_raises_is_lost(redis_url: str) -> None:
    with pytest.raises(ValueError, match="broken"), liveness.in_hand("broken"):
        raise ValueError("broken")
    assert liveness.lost(["broken"]) == {"broken"}


def test_a_wait_may_end(redis_url: str) -> None:
    liveness.mark_waiting("retried", seconds=30)
    assert 0 < redis.Redis.from_url(redis_url).ttl("pagewise:run:retried") <= 30
