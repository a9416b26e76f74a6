"""How an index lies on disk, so that it can be replaced in one step and deleted at any time.

<folder>/CURRENT              names the one that readers open
<folder>/<name>/manifest.json and the index's own files
<folder>/<name>.partial/      one that is being written
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from retrieval.models import SpaceVersion

POINTER = "CURRENT"
MANIFEST_FILE = "manifest.json"
# The one before stays, for a reader that is just opening it.
KEEP = 2


def folder_of(version: SpaceVersion) -> Path:
    """Return where the version's indexes lie; a version with a new uuid starts in a new folder."""
    name = f"v{version.number}-{version.uuid.hex[:8]}"
    return Path(settings.INDEX_DIR) / version.space / name


def current_name(folder: Path) -> str:
    """Return the name of the index to open; empty when there is none."""
    try:
        return Path((folder / POINTER).read_text().strip()).name
    except FileNotFoundError:
        return ""


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Give a new folder to build in; what is still there afterwards is removed.

    Only the holder of the version's lease may call it: it clears away what writers that died
    have left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.partial"):
        shutil.rmtree(path, ignore_errors=True)
    place = folder / f"{uuid.uuid4().hex[:12]}.partial"
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def switch_to(place: Path) -> None:
    """Make what was built in the workplace the current one, in one step."""
    folder, name = place.parent, place.stem
    place.rename(folder / name)
    pointer = folder / f"{POINTER}.{name}"
    pointer.write_text(name)
    flush(pointer)
    os.replace(pointer, folder / POINTER)
    _remove_old(folder, name)


def _remove_old(folder: Path, current: str) -> None:
    complete = [path for path in folder.iterdir() if (path / MANIFEST_FILE).is_file()]
    complete.sort(key=lambda path: (path.name == current, path.stat().st_mtime), reverse=True)
    for path in complete[KEEP:]:
        shutil.rmtree(path, ignore_errors=True)


def flush(path: Path) -> None:
    """Make sure that the file's bytes are on the disk before anything names it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
