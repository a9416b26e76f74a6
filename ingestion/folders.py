"""Files and folders of this machine, as uploads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
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
        for file in walk(path):
            (files if is_document(file) else left_out).append(file)
    return Found(tuple(dict.fromkeys(files)), tuple(left_out))


def walk(folder: Path, *, unreadable: list[Path] | None = None) -> Iterator[Path]:
    """Yield the files below a folder, sorted; hidden and unfinished ones are left out.

    Folders that cannot be read are added to `unreadable`.
    """

    def note(error: OSError) -> None:
        if unreadable is not None:
            unreadable.append(Path(error.filename))

    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(parent, name)
            unfinished = name.startswith(".") or name.lower().endswith(UNFINISHED)
            if not unfinished and file.is_file():
                yield file


def is_document(file: Path) -> bool:
    """Tell whether a file in a folder is of a kind that is taken."""
    try:
        kind = media_types.of_file(file)
    except OSError:
        return True  # Submitting it says what is the matter.
    return kind is not None and (kind != media_types.TEXT or file.suffix.lower() in TEXT_SUFFIXES)


def submit(file: Path, *, collection: Collection, owner: User, source_path: str = "") -> Outcome:
    """Submit a file of this machine the way an upload is; the file itself stays."""
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


def _copy(file: Path) -> TemporaryUploadedFile:
    # What is checked is what is stored, whatever happens to the file meanwhile.
    copy = TemporaryUploadedFile(file.name, "application/octet-stream", 0, None)
    with file.open("rb") as source:
        shutil.copyfileobj(source, copy)
    copy.flush()
    copy.size = copy.tell()
    return copy
