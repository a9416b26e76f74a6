"""Stored files, wherever the storage keeps them."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.storage import Storage, default_storage
from django.db import OperationalError

DISK_FULL = "There is no room left on the server's disk: free some."


def is_disk_full(exc: BaseException) -> bool:
    """Tell whether a storage or a database failed because its disk is full."""
    if isinstance(exc, OperationalError):
        # SQLite: "database or disk is full"; PostgreSQL: "No space left on device".
        return "disk is full" in str(exc) or "No space left" in str(exc)
    return isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def local_copy(name: str, *, storage: Storage = default_storage) -> Iterator[Path]:
    """Give a path on this machine: the file itself where it is local, else a copy of it."""
    try:
        path = storage.path(name)
    except NotImplementedError:
        with tempfile.NamedTemporaryFile(suffix=Path(name).suffix) as copy:
            with storage.open(name) as file:
                for block in file.chunks():
                    copy.write(block)
            copy.flush()
            yield Path(copy.name)
    else:
        yield Path(path)


def files_under(folder: str, *, storage: Storage = default_storage) -> Iterator[str]:
    """Yield the storage names of all files below a folder."""
    try:
        folders, names = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        yield f"{folder}/{name}"
    for inner in folders:
        yield from files_under(f"{folder}/{inner}", storage=storage)


def delete_folder(folder: str, *, storage: Storage = default_storage) -> None:
    """Delete every file below a folder, and the folders where the storage has such."""
    folders: set[str] = {folder}
    for name in list(files_under(folder, storage=storage)):
        storage.delete(name)
        parent = name.rsplit("/", 1)[0]
        while len(parent) > len(folder):
            folders.add(parent)
            parent = parent.rsplit("/", 1)[0]
    for empty in sorted(folders, key=len, reverse=True):
        # Not empty where a worker is still writing, which clears up when it is told to stop.
        with contextlib.suppress(OSError):
            storage.delete(empty)
