"""A parsing child seen from its parent: started, asked, watched, and always buried."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingestion import wire

PROJECT = Path(__file__).resolve().parent.parent
# Loading the library and its models, on a machine that is busy with other things.
START_SECONDS = 120
# A child that has not computed for a second in this many times what it may compute for a
# page, in wall time, hangs. One that computes slowly only has a busy machine under it.
PATIENCE = 4
STEP_SECONDS = 1.0
READ_SIZE = 1 << 20
# Of what a child said that could not begin.
LAST_LINES = 5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use: memory in megabytes, and seconds of one core per page."""

    memory_mb: int
    page_seconds: int


class Child:
    """One process that has one file open and parses one page at a time.

    Close it, or it stays; a parent that is killed takes its children along.
    """

    def __init__(
        self,
        mode: Literal["inspect", "convert", "parse"],
        path: Path,
        *,
        limits: Limits,
        password: str = "",
        media_type: str = "application/pdf",
    ) -> None:
        self.page: int | None = None
        self.is_ready = False
        self._limits = limits
        self._decoder = wire.Decoder()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ingestion.parse_child"),
                *(mode, str(os.getpid()), str(limits.memory_mb)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=PROJECT,
            env=_environment(),
        )
        os.set_blocking(self.fileno(), False)
        self.start_clock(limits.page_seconds, patience=START_SECONDS)
        # Not among the arguments: those every user of the machine can read.
        self._send({"path": str(path.resolve()), "password": password, "media_type": media_type})

    def fileno(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def ask(self, page: int) -> None:
        """Give it a page (from 1) to parse."""
        self.page = page
        seconds = self._limits.page_seconds
        self.start_clock(seconds, patience=seconds * PATIENCE)
        self._send({"page": page})

    def _send(self, request: dict[str, object]) -> None:
        assert self._process.stdin is not None
        # A child that is gone is noticed when its answer is read.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self) -> list[wire.Message] | None:
        """Return the answers that have come, or None when the child has ended.

        Raises wire.WireError when it says something that is no answer.
        """
        try:
            data = os.read(self.fileno(), READ_SIZE)
        except BlockingIOError:
            return []
        return list(self._decoder.feed(data)) if data else None

    # --- limits ------------------------------------------------------------------------------

    def start_clock(self, seconds: float, *, patience: float) -> None:
        """Let it compute for so many seconds from now, and pause for `patience` at most."""
        self._seconds, self._patience = seconds, patience
        self._deadline = time.monotonic() + patience
        self._cpu_at_start = self._cpu_at_step = self._cpu_seconds()

    def grant(self, seconds: float) -> None:
        """Move the deadline: the parent was busy elsewhere and took no answer."""
        self._deadline += seconds

    def is_overdue(self) -> bool:
        """Tell whether it has used up its seconds of CPU, or hangs."""
        now, used = time.monotonic(), self._cpu_seconds()
        if used - self._cpu_at_step >= STEP_SECONDS:
            self._cpu_at_step, self._deadline = used, now + self._patience
        return now > self._deadline or used - self._cpu_at_start > self._seconds

    def _cpu_seconds(self) -> float:
        """Seconds of CPU that the process has used; 0 where the system does not tell."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError:
            return 0.0
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    # --- the end -----------------------------------------------------------------------------

    def ran_out_of_memory(self) -> bool:
        """Tell, of a child that has ended, whether it says so."""
        return self._process.wait() == wire.OUT_OF_MEMORY

    def bury(self) -> None:
        """Close it, and log why it could not begin, where it says so."""
        self._process.kill()
        self._process.wait()
        if said := self._last_words():
            logger.warning("A reading process ended: %s", said)
        self.close()

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        if self._process.stderr.closed:
            return ""
        # Nobody waits here, should anything else hold the other end.
        os.set_blocking(self._process.stderr.fileno(), False)
        said = self._process.stderr.read(READ_SIZE) or b""
        return " | ".join(said.decode(errors="replace").splitlines()[-LAST_LINES:])

    def close(self) -> None:
        """Kill it, wait for it, and close the pipes; safe to call twice."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def readable(children: Sequence[Child], seconds: float) -> list[Child]:
    """Return those that said something or ended, after waiting for so many seconds at most."""
    # Not select: it fails for descriptors above 1023, and the web process has many.
    poll = select.poll()
    for child in children:
        poll.register(child, select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
    return [child for child in children if child.fileno() in ready]


def _environment() -> dict[str, str]:
    """Only what Python needs: a program that reads hostile files is told no secrets."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    return {**kept, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
