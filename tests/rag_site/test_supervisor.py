"""Services are restarted when they die, and all end together."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from rag_site.supervisor import Service, Supervisor

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_killed_service_starts_again_and_stop_ends_everything() -> None:
    supervisor = Supervisor()
    service = Service("sleeper", SLEEPER)
    assert supervisor.run(service, until=lambda: True, seconds=5)
    watcher = threading.Thread(target=supervisor.watch)
    watcher.start()
    assert service.process
    first = service.process.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: service.running() and service.process.pid != first)
    supervisor.stop()
    watcher.join(5)
    assert not watcher.is_alive()
    assert not service.running()


def test_a_service_that_ends_at_once_is_reported() -> None:
    supervisor = Supervisor()
    service = Service("ended", [sys.executable, "-c", "raise SystemExit(3)"])
    assert not supervisor.run(service, until=lambda: False, seconds=10)
    supervisor.stop()


def test_a_nice_service_and_what_it_starts_step_back() -> None:
    supervisor = Supervisor()
    telling = "import os, sys; sys.exit(os.nice(0))"
    parent = (
        f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {telling!r}]))"
    )
    service = Service("nice", [sys.executable, "-c", parent], nice=3)
    assert not supervisor.run(service, until=lambda: False, seconds=30)
    assert service.process
    # An exit status is a byte, and whoever runs the tests may have been put before others.
    assert service.process.returncode == min(19, os.nice(0) + 3) % 256
