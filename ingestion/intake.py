"""Check an uploaded file before it is taken: what it is, how long, whether it opens."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from ingestion import media_types, pages, parsing
from ingestion.errors import PermanentError
from ingestion.layout import DocumentFacts
from ingestion.media_types import MediaType
from ingestion.models import Collection, Document


class Refused(PermanentError):
    """An upload that is not taken: `code` for programs, `reason` for people."""

    def __init__(self, code: str, reason: str, *, existing: Document | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.existing = existing
        # Of the answer over HTTP, where it is not that of the code.
        self.status: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that may be stored: `file` is what to store, `sha256` is of what was uploaded."""

    kind: MediaType
    facts: DocumentFacts
    sha256: str
    file: File


@contextmanager
def checked(upload: UploadedFile, *, collection: Collection, password: str) -> Iterator[Taken]:
    """Check the file and give what is to be stored of it: itself, or a copy without password.

    Raises Refused when it is empty, too large, of no kind that is taken, damaged, protected
    by another password, too long, or already in the collection.
    """
    check_size(upload.size or 0)
    digest = _sha256(upload)
    refuse_duplicate(digest, collection)
    with _on_disk(upload) as path:
        kind = media_types.of_file(path)
        if kind is None:
            raise Refused(
                "unsupported", f"This kind of file is not taken. These are: {media_types.labels()}."
            )
        facts, protected = _inspect(path, kind, password)
        if facts.page_count > settings.UPLOAD_MAX_PAGES:
            most = f"at most {settings.UPLOAD_MAX_PAGES:,} are taken"
            raise Refused("too_many_pages", f"It has {facts.page_count:,} pages; {most}.")
        if not protected:
            upload.seek(0)
            yield Taken(kind, facts, digest, upload)
            return
        with tempfile.TemporaryFile() as target:
            _convert(path, kind, password, target)
            target.seek(0)
            yield Taken(kind, facts, digest, File(target))


def check_size(size: int) -> None:
    """Raise Refused for a file of no bytes or too many."""
    if not size:
        raise Refused("empty", "The file is empty.")
    if size > settings.UPLOAD_MAX_MB * 1024 * 1024:
        most = f"the {settings.UPLOAD_MAX_MB} MB that are taken"
        raise Refused("too_large", f"It is larger than {most}.")


def _sha256(upload: UploadedFile) -> str:
    digest = hashlib.sha256()
    for block in upload.chunks():
        digest.update(block)
    return digest.hexdigest()


def refuse_duplicate(digest: str, collection: Collection) -> None:
    """Raise Refused when the collection has a file with this SHA-256."""
    existing = collection.documents.filter(sha256=digest).first()
    if existing:
        raise Refused(
            "duplicate",
            f"The same file is already in “{collection}”, as “{existing.title}”.",
            existing=existing,
        )


@contextmanager
def _on_disk(upload: UploadedFile) -> Iterator[Path]:
    if isinstance(upload, TemporaryUploadedFile):
        yield Path(upload.temporary_file_path())
        return
    with tempfile.NamedTemporaryFile() as copy:
        for block in upload.chunks():
            copy.write(block)
        copy.flush()
        yield Path(copy.name)


def _inspect(path: Path, kind: MediaType, password: str) -> tuple[DocumentFacts, bool]:
    """Return what the file says of itself, and whether it opens with the password alone."""
    try:
        return parsing.inspect(path, media_type=kind.name, limits=pages.limits()), False
    except parsing.CannotRead as exc:
        if exc.code != "encrypted" or not password:
            raise Refused(exc.code, str(exc)) from exc
    try:
        facts = parsing.inspect(
            path, media_type=kind.name, password=password, limits=pages.limits()
        )
    except parsing.CannotRead as exc:
        raise Refused(exc.code, str(exc)) from exc
    return facts, True


def _convert(path: Path, kind: MediaType, password: str, target: BinaryIO) -> None:
    try:
        parsing.convert(
            path, target, media_type=kind.name, password=password, limits=pages.limits()
        )
    except parsing.CannotRead as exc:
        raise Refused(exc.code, str(exc)) from exc
