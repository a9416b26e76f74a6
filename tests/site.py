"""The whole product as a user starts it: `manage.py serve` on a fresh data folder."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 600


@dataclass
class Site:
    """A running site: its address, the first administrator's password, and its output."""

    process: subprocess.Popen[str]
    env: dict[str, str]
    url: str = ""
    password: str = ""
    username: str = "admin"
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def manage(self, *arguments: str) -> str:
        """Run a management command against this site's data; return what it prints."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_site(data_dir: Path, **settings: str) -> Iterator[Site]:
    """Serve on a free port with a database of its own, and stop everything at the end."""
    port = free_port()
    with _own_database() as database:
        env = {
            **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")},
            **({"DATABASE_URL": database} if database else {}),
            **{"DATA_DIR": str(data_dir), "PORT": str(port), "MODEL_DOWNLOADS": "false"},
            # Every test site would spend its first half minute on it.
            **{"COMPILE_ENCODERS": "false"},
            **{"PYTHONUNBUFFERED": "1", **settings},
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        site = Site(process, env)
        threading.Thread(target=_read, args=(site,), daemon=True).start()
        try:
            _wait_until_ready(site)
            yield site
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _read(site: Site) -> None:
    assert site.process.stdout
    for line in site.process.stdout:
        site.lines.append(line)


def _wait_until_ready(site: Site) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and site.process.poll() is None:
        if ready := re.search(r"Pagewise is ready: (\S+)", site.output):
            site.url = ready[1]
            if password := re.search(r"Password \(shown once\):\s+(\S+)", site.output):
                site.password = password[1]
            return
        time.sleep(0.1)
    raise AssertionError(f"the site did not start:\n{site.output}")


@contextmanager
def _own_database() -> Iterator[str]:
    """A database beside DATABASE_URL's, where that is PostgreSQL; else SQLite's default."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield ""
        return
    import psycopg

    name = f"pagewise_site_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]
