"""Files and folders of this machine, as uploads."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files.uploadedfile import TemporaryUploadedFile

from ingestion import documents, intake, media_types
from ingestion.documents import Refused
from ingestion.models import Collection, Document

# What browsers, editors and copying programs call a file that is not finished.
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".swp", "~")
# Anything may look like text; in a folder only what is called so is a document.
TEXT_SUFFIXES = (".txt", ".text", ".md", ".markdown", ".rst")


@dataclass(frozen=True, slots=True)
class Found:
    """The files below some paths, those of other kinds apart."""

    files: tuple[Path, ...]
    left_out: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of submitting a file: a document, or why it was refused."""

    path: Path
    document: Document | None = None
    refused: Refused | None = None


def find(paths: Iterable[Path]) -> Found:
    """Find files: those named, and what looks like a document in the folders named."""
    files: list[Path] = []
    left_out: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        unreadable: list[Path] = []
        for file in walk(path, unreadable=unreadable):
            (files if is_document(file) else left_out).append(file)
        # Submitting one says what is the matter.
        files += unreadable
    return Found(tuple(dict.fromkeys(files)), tuple(left_out))


def walk(folder: Path, *, unreadable: list[Path] | None = None) -> Iterator[Path]:
    """Yield the files below a folder, sorted; hidden and unfinished ones are left out.

    Folders and files that cannot be looked at are added to `unreadable`.
    """

    def note(error: OSError) -> None:
        if unreadable is not None:
            unreadable.append(Path(error.filename))

    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(parent, name)
            unfinished = name.startswith(".") or name.lower().endswith(UNFINISHED)
            if not unfinished and _is_file(file, note):
                yield file


def _is_file(path: Path, note: Callable[[OSError], None]) -> bool:
    # Not Path.is_file: of a file that cannot be looked at it may say that it is none.
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        note(error)
        return False


def is_document(file: Path) -> bool:
    """Tell whether a file in a folder is of a kind that is taken."""
    try:
        kind = media_types.of_file(file)
    except OSError:
        return True  # Submitting it says what is the matter.
    return kind is not None and (kind != media_types.TEXT or file.suffix.lower() in TEXT_SUFFIXES)


def submit(file: Path, *, collection: Collection, owner: User, source_path: str = "") -> Outcome:
    """Submit a file of this machine the way an upload is; the file itself stays."""
    if not is_utf8(source_path or file.name):
        return Outcome(file, refused=Refused("unreadable", "Its name is not UTF-8: rename it."))
    try:
        intake.check_size(file.stat().st_size)
        with _copy(file) as copy:
            document = documents.submit(
                copy, collection=collection, owner=owner, source_path=source_path
            )
    except Refused as refused:
        return Outcome(file, refused=refused)
    except OSError as exc:
        return Outcome(file, refused=Refused("unreadable", f"It cannot be read: {exc.strerror}."))
    return Outcome(file, document)


def is_utf8(name: str) -> bool:
    """Tell whether a name can be stored: on a disk it may be of any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _copy(file: Path) -> TemporaryUploadedFile:
    # What is checked is what is stored, whatever happens to the file meanwhile.
    copy = TemporaryUploadedFile(file.name, "application/octet-stream", 0, None)
    with file.open("rb") as source:
        shutil.copyfileobj(source, copy)
    copy.flush()
    copy.size = copy.tell()
    return copy
