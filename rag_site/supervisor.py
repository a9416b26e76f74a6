"""Run a few child processes, restart those that die, and stop them all together."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

STOP_SECONDS = 15
PR_SET_PDEATHSIG = 1
# A service that lived shorter than this is restarted with a growing pause.
STEADY_SECONDS = 30
MAX_PAUSE_SECONDS = 30


def _die_with_parent() -> None:
    # If the supervisor itself is killed, nothing may go on in the background and hold the port.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Service:
    """A child process that should always run.

    `nice` is how far it, and all that it starts, steps back for others (0 to 19).
    """

    name: str
    command: Sequence[str]
    nice: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    next_start: float = field(default=0.0)

    def start(self) -> None:
        self.started_at = time.monotonic()
        # Its own session: Ctrl-C reaches the supervisor alone, which stops things in order.
        self.process = subprocess.Popen(
            self.command, start_new_session=True, preexec_fn=self._prepare
        )

    def _prepare(self) -> None:
        os.nice(self.nice)
        # Some kernels weigh whole sessions against each other, and a process only in its own.
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(self.nice))
        _die_with_parent()

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: int) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return


class Supervisor:
    """Keep services running until told to stop; they stop in reverse order of their start."""

    def __init__(self) -> None:
        self.services: list[Service] = []
        self.stopping = False

    def run(self, service: Service, *, until: Callable[[], bool], seconds: float) -> bool:
        """Start a service and wait until it answers; False if it did not in time or died."""
        self.services.append(service)
        service.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.stopping and service.running():
            if until():
                return True
            time.sleep(0.1)
        return False

    def watch(self) -> None:
        """Restart whatever dies, until `stop` is called."""
        while not self.stopping:
            for service in self.services:
                self._revive(service)
            time.sleep(0.3)

    def _revive(self, service: Service) -> None:
        now = time.monotonic()
        if service.running() or self.stopping:
            return
        if service.process is not None:
            code = service.process.returncode
            service.signal_group(signal.SIGKILL)
            steady = now - service.started_at > STEADY_SECONDS
            service.failures = 0 if steady else service.failures + 1
            pause = min(MAX_PAUSE_SECONDS, 2**service.failures - 1)
            logger.error("%s ended (exit %s); it starts again in %s s.", service.name, code, pause)
            service.next_start = now + pause
            service.process = None
        if now >= service.next_start:
            service.start()

    def stop(self) -> None:
        """Ask every service to end, the last started first; kill what does not."""
        self.stopping = True
        for service in reversed(self.services):
            if service.process is None:
                continue
            if service.running():
                service.process.terminate()
                try:
                    service.process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    logger.warning("%s did not stop in time and is killed.", service.name)
            service.signal_group(signal.SIGKILL)
            service.process.wait()
