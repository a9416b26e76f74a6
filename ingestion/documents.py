"""Documents: submit, follow, retry, cancel, re-parse, publish and delete them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Case, Q, Value, When
from django.utils import timezone

from ingestion import files, intake, labels, liveness, pipeline, titles
from ingestion.errors import PermanentError, TransientError
from ingestion.intake import Refused
from ingestion.models import (
    UNFINISHED_STATES,
    Chunk,
    Collection,
    Document,
    DocumentState,
    PageState,
)
from ingestion.signals import document_published, document_renamed

__all__ = [
    "Progress",
    "Refused",
    "cancel",
    "delete",
    "label",
    "progress",
    "publish",
    "redo_page",
    "reindex",
    "reparse",
    "retry",
    "submit",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a document is: a sentence, and a fraction from 0 to 1."""

    label: str
    fraction: float


def submit(
    upload: UploadedFile,
    *,
    collection: Collection,
    owner: User,
    password: str = "",
    source_path: str = "",
    tags: Iterable[str] = (),
    metadata: Mapping[str, labels.Value] | None = None,
) -> Document:
    """Check an uploaded file, store it, and send it down the pipeline.

    A password opens a protected PDF here, once: what is stored needs none. Raises Refused,
    with nothing stored, when the file is not taken (see ingestion.intake), and
    labels.Invalid for a tag or an entry that is not.
    """
    given = {"tags": labels.checked_tags(tags), "metadata": labels.checked_metadata(metadata or {})}
    try:
        with intake.checked(upload, collection=collection, password=password) as taken:
            filename = Path(upload.name or "document").name[:500]
            document = Document(
                collection=collection,
                uploaded_by=owner,
                title=titles.title_of(str(taken.facts.metadata.get("title") or ""), filename),
                filename=filename,
                media_type=taken.kind.name,
                sha256=taken.sha256,
                size_bytes=upload.size or 0,
                page_count=taken.facts.page_count,
                facts=taken.facts.metadata,
                outline=[list(entry) for entry in taken.facts.outline],
                source_path=source_path,
                **given,
            )
            return _create(document, taken)
    except (OSError, OperationalError) as exc:
        if files.is_disk_full(exc):
            raise Refused("disk_full", f"{files.DISK_FULL} Then try again.") from exc
        if isinstance(exc, OperationalError):
            raise Refused("busy", "The database is busy. Try again in a moment.") from exc
        if isinstance(exc, TransientError):
            raise Refused("busy", str(exc)) from exc
        raise


def _create(document: Document, taken: intake.Taken) -> Document:
    try:
        document.file.save(document.filename, taken.file, save=False)
        with transaction.atomic():
            document.save(force_insert=True)
            pipeline.start(document)
    except IntegrityError:
        # Somebody else was faster with the same file.
        files.delete_folder(document.folder)
        intake.refuse_duplicate(taken.sha256, document.collection)
        raise
    except Exception:
        files.delete_folder(document.folder)
        raise
    return document


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
        skipped = document.skipped_pages
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
        # So a page with a layout is one that the live generation was made of.
        document.pages.filter(state=PageState.SKIPPED).update(layout=b"")
        document_published.send(sender=Document, document=document)
        # Listed while no other run can have begun to write, deleted when nothing needs them.
        unused = _unused_images(document)
    for name in unused:
        default_storage.delete(name)


def _unused_images(document: Document) -> list[str]:
    used = set(document.pages.values_list("image", flat=True))
    for crops in document.pages.values_list("crops", flat=True):
        used.update(crop["file"] for crop in crops.values())
    return [name for name in files.files_under(f"{document.folder}/pages") if name not in used]


def retry(document: Document) -> None:
    """Go on with a failed or cancelled document; skipped pages get another chance.

    Raises PermanentError where there is nothing to try again.
    """
    with transaction.atomic():
        locked = _lock(document)
        # Their warnings stay until they are read: should that be cancelled, they hold again.
        again = document.pages.filter(state=PageState.SKIPPED)
        skipped = again.update(state=PageState.PENDING, attempts=0)
        if not skipped and locked and locked.state not in UNFINISHED_STATES:
            raise PermanentError("It neither failed nor was cancelled, and no page was skipped.")
        _restart(document)


def reparse(document: Document) -> None:
    """Parse every page again; what is searched now stays until the new parse is ready."""
    with transaction.atomic():
        _lock(document)
        document.pages.update(state=PageState.PENDING, attempts=0)
        _restart(document)


def redo_page(document: Document, number: int) -> None:
    """Parse one page (from 1) again, then make the chunks anew; vectors of equal ones stay.

    Raises Page.DoesNotExist.
    """
    with transaction.atomic():
        _lock(document)
        page = document.pages.get(number=number)
        page.state, page.attempts = PageState.PENDING, 0
        page.save(update_fields=["state", "attempts"])
        _restart(document)


def reindex(document: Document) -> None:
    """Make the chunks and their vectors again from the parsed pages."""
    with transaction.atomic():
        _restart(document)


def _restart(document: Document) -> None:
    pages_done = document.pages.exclude(state=PageState.PENDING).count()
    Document.objects.filter(pk=document.pk).update(attempts=0, pages_done=pages_done)
    pipeline.start(document)


def _lock(document: Document) -> Document | None:
    """Lock the document before its pages, as a worker that stores one does; return it as it is."""
    return Document.objects.select_for_update().filter(pk=document.pk).first()


def label(
    document: Document,
    *,
    title: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, labels.Value] | None = None,
) -> None:
    """Give the document another title, tags or metadata; None leaves them.

    Raises labels.Invalid.
    """
    new: dict[str, Any] = {}
    if title is not None:
        new["title"] = labels.checked_title(title)
    if tags is not None:
        new["tags"] = labels.checked_tags(tags)
    if metadata is not None:
        new["metadata"] = labels.checked_metadata(metadata)
    with transaction.atomic():
        before = _lock(document)
        Document.objects.filter(pk=document.pk).update(**new, updated_at=timezone.now())
        document.refresh_from_db(fields=[*new, "updated_at"])
        if before and before.title != new.get("title", before.title):
            document_renamed.send(sender=Document, document=document)


def cancel(document: Document) -> bool:
    """Stop work on a document; a worker that has it in hand lets go at the next page.

    Returns whether there was any. One that is searched already, and was read again, is as ready
    as it was before.
    """
    with transaction.atomic():
        locked = _lock(document)
        if locked is None or not locked.is_active:
            return False
        fields: dict[str, Any] = {"state": DocumentState.CANCELLED}
        if locked.live_generation:
            _forget_coming(locked)
            fields = {"state": DocumentState.READY, "error": "", "pages_done": locked.pages.count()}
        Document.objects.filter(pk=locked.pk).update(**fields, run="")
    document.refresh_from_db()
    liveness.clear(locked.run)
    return True


def _forget_coming(document: Document) -> None:
    """Take back what a run has done towards the next generation of chunks."""
    document.chunks.exclude(generation=document.live_generation).delete()
    was_read = ~Q(layout=b"")
    # What this run could not read is no news of a page that was read before.
    document.pages.filter(was_read, attempts__gt=0).exclude(state=PageState.DONE).update(
        warnings=[]
    )
    document.pages.update(
        attempts=0,
        state=Case(When(was_read, then=Value(PageState.DONE)), default=Value(PageState.SKIPPED)),
    )


def delete(document: Document) -> None:
    """Delete a document with its pages, chunks, vectors and files."""
    folder = document.folder
    with transaction.atomic():
        _lock(document)
        Chunk.objects.filter(document=document).delete()
        document.delete()
        # What a storage that is away keeps, the doctor finds and deletes.
        transaction.on_commit(lambda: files.delete_folder(folder), robust=True)
