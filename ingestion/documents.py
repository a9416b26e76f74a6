"""Documents: submit, follow, retry, cancel, re-parse, publish and delete them."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from ingestion import files, liveness, pages, parsing, pipeline
from ingestion.errors import PermanentError
from ingestion.layout import DocumentFacts
from ingestion.models import (
    ACTIVE_STATES,
    Chunk,
    Collection,
    Document,
    DocumentState,
    PageState,
)
from ingestion.signals import document_published

MAGIC = b"%PDF-"
# Readers accept a header anywhere in the first kilobyte, and so do real files.
MAGIC_WITHIN = 1024


class Refused(PermanentError):
    """An upload that is not taken: `code` for programs, `reason` for people."""

    def __init__(self, code: str, reason: str, *, existing: Document | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.existing = existing


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a document is: a sentence, and a fraction from 0 to 1."""

    label: str
    fraction: float


def submit(upload: UploadedFile, *, collection: Collection, owner: AbstractUser) -> Document:
    """Check an uploaded file, store it, and send it down the pipeline.

    Raises Refused when the file is empty, too large, not a PDF, damaged, encrypted, too
    long, or already in the collection; nothing is stored then.
    """
    digest = _check_bytes(upload, collection)
    with _on_disk(upload) as path:
        facts = _inspect(path)
    if facts.page_count > settings.UPLOAD_MAX_PAGES:
        raise Refused(
            "too_many_pages",
            f"It has {facts.page_count:,} pages; at most {settings.UPLOAD_MAX_PAGES:,} are taken.",
        )
    return _create(upload, facts, digest, collection, owner)


def _check_bytes(upload: UploadedFile, collection: Collection) -> str:
    if not upload.size:
        raise Refused("empty", "The file is empty.")
    if upload.size > settings.UPLOAD_MAX_MB * 1024 * 1024:
        raise Refused(
            "too_large",
            f"It is larger than the {settings.UPLOAD_MAX_MB} MB that are taken.",
        )
    upload.seek(0)
    if MAGIC not in upload.read(MAGIC_WITHIN):
        raise Refused("not_pdf", "It is not a PDF file, whatever its name says.")
    upload.seek(0)
    digest = hashlib.sha256()
    for block in upload.chunks():
        digest.update(block)
    _refuse_duplicate(digest.hexdigest(), collection)
    return digest.hexdigest()


def _refuse_duplicate(digest: str, collection: Collection) -> None:
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
    with TemporaryUploadedFile("upload.pdf", "application/pdf", 0, None) as copy:
        upload.seek(0)
        for block in upload.chunks():
            copy.write(block)
        copy.flush()
        yield Path(copy.temporary_file_path())


def _inspect(path: Path) -> DocumentFacts:
    try:
        return parsing.inspect(path, limits=pages.limits())
    except PermanentError as exc:
        raise Refused(getattr(exc, "code", "damaged"), str(exc)) from exc


def _create(
    upload: UploadedFile,
    facts: DocumentFacts,
    digest: str,
    collection: Collection,
    owner: AbstractUser,
) -> Document:
    filename = Path(upload.name or "document.pdf").name
    document = Document(
        collection=collection,
        uploaded_by=owner,
        title=_title(facts.metadata, filename),
        filename=filename[:500],
        sha256=digest,
        size_bytes=upload.size,
        page_count=facts.page_count,
        metadata=facts.metadata,
        outline=[list(entry) for entry in facts.outline],
    )
    upload.seek(0)
    try:
        document.file.save(filename, upload, save=False)
        with transaction.atomic():
            document.save(force_insert=True)
            pipeline.start(document)
    except IntegrityError:
        files.delete_folder(document.folder)
        _refuse_duplicate(digest, collection)
        raise
    except OSError as exc:
        files.delete_folder(document.folder)
        if exc.errno == errno.ENOSPC:
            raise Refused(
                "disk_full", "There is no room left on the server's disk: free some, try again."
            ) from exc
        raise
    return document


def _title(metadata: dict[str, Any], filename: str) -> str:
    return (str(metadata.get("title") or "").strip() or Path(filename).stem)[:500]


def progress(document: Document) -> Progress:
    """Say in a few words how far the document is."""
    state, total = document.state, document.page_count or 0
    if state == DocumentState.PARSING:
        page = min(document.pages_done + 1, total)
        return Progress(
            f"Parsing page {page} of {total}", 0.8 * document.pages_done / max(1, total)
        )
    if state == DocumentState.EMBEDDING:
        done, chunks = document.chunks_embedded, document.chunks_total
        return Progress(f"Embedding {done} of {chunks} passages", 0.8 + 0.2 * done / max(1, chunks))
    if state == DocumentState.READY:
        skipped = document.pages.filter(state=PageState.SKIPPED).count()
        note = f", {skipped} page{'s' if skipped > 1 else ''} skipped" if skipped else ""
        return Progress(f"Ready{note}", 1.0)
    return Progress(DocumentState(state).label, 0.0)


def publish(document: Document, run: str) -> None:
    """Make the newly embedded generation the one that is searched, in one step."""
    with transaction.atomic():
        pipeline.keep(
            document.pk,
            run,
            run="",
            state=DocumentState.READY,
            error="",
            attempts=0,
            live_generation=document.next_generation,
            ready_at=timezone.now(),
        )
        document.refresh_from_db()
        document.chunks.exclude(generation=document.live_generation).delete()
        document_published.send(sender=Document, document=document)
        # Listed while no other run can have begun to write, deleted when nothing needs them.
        unused = _unused_images(document)
    liveness.clear(run)
    for name in unused:
        default_storage.delete(name)


def _unused_images(document: Document) -> list[str]:
    used = set(document.pages.values_list("image", flat=True))
    for crops in document.pages.values_list("crops", flat=True):
        used.update(crop["file"] for crop in crops.values())
    return [name for name in files.files_under(f"{document.folder}/pages") if name not in used]


def retry(document: Document) -> None:
    """Go on with a failed or cancelled document; skipped pages get another chance."""
    with transaction.atomic():
        again = document.pages.filter(state=PageState.SKIPPED)
        again.update(state=PageState.PENDING, attempts=0, warnings=[])
        _restart(document)


def reparse(document: Document) -> None:
    """Parse every page again; what is searched now stays until the new parse is ready."""
    with transaction.atomic():
        document.pages.update(state=PageState.PENDING, attempts=0)
        _restart(document)


def reindex(document: Document) -> None:
    """Make the chunks and their vectors again from the parsed pages."""
    with transaction.atomic():
        _restart(document)


def _restart(document: Document) -> None:
    pages_done = document.pages.exclude(state=PageState.PENDING).count()
    Document.objects.filter(pk=document.pk).update(attempts=0, pages_done=pages_done)
    pipeline.start(document)


def cancel(document: Document) -> None:
    """Stop work on a document; a worker that has it in hand lets go at the next page."""
    run = document.run
    Document.objects.filter(pk=document.pk, state__in=ACTIVE_STATES).update(
        state=DocumentState.CANCELLED, run=""
    )
    document.refresh_from_db()
    liveness.clear(run)


def delete(document: Document) -> None:
    """Delete a document with its pages, chunks, vectors and files."""
    folder = document.folder
    with transaction.atomic():
        # A worker that stores a page locks the document first, and then the page.
        Document.objects.select_for_update().filter(pk=document.pk).first()
        Chunk.objects.filter(document=document).delete()
        document.delete()
        transaction.on_commit(lambda: files.delete_folder(folder))
