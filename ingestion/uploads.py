"""Uploads in parts: begin, append, finish, discard and forget them.

The parts lie in the storage of all files, so any web process of any machine may take the next
one. What a break leaves of a part is kept. When the last byte is there, the file goes the way
of every other: `documents.submit`.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from ingestion import documents, files, intake, labels
from ingestion.errors import PermanentError
from ingestion.intake import Refused
from ingestion.models import Collection, Document, Upload
from ingestion.tus import Checksum

FOLDER = "uploads"
LASTS = timedelta(hours=24)
MAX_UNFINISHED = 50
# A process that holds an upload for longer has died.
IN_HAND = timedelta(minutes=5)
RESERVE_BYTES = 200 * 2**20
BLOCK = 2**20
BYTES = "application/octet-stream"
# After these the same bytes may still become a document: they are kept.
NOT_FINAL = ("encrypted", "wrong_password", "busy", "disk_full")


class UploadFault(PermanentError):
    """A part or an upload that is not taken; `code` for programs, the message for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def begin(
    owner: Any,
    *,
    size: int,
    filename: str,
    collection: Collection,
    tags: Iterable[str] = (),
    metadata: Mapping[str, labels.Value] | None = None,
    told: str = "",
) -> Upload:
    """Make an upload that waits for its first byte. Raises Refused, UploadFault, labels.Invalid."""
    intake.check_size(size)
    if unfinished(owner).count() >= MAX_UNFINISHED:
        raise UploadFault(
            "too_many_uploads",
            f"You have {MAX_UNFINISHED} unfinished uploads: finish or delete some.",
        )
    _check_room(size)
    return Upload.objects.create(
        owner=owner,
        collection=collection,
        filename=Path(filename).name[:500] or "document",
        tags=labels.checked_tags(tags),
        metadata=labels.checked_metadata(metadata or {}),
        told=told,
        size_bytes=size,
        expires_at=timezone.now() + LASTS,
    )


def unfinished(owner: Any) -> QuerySet[Upload]:
    """The user's uploads that may go on, the newest first."""
    return Upload.objects.filter(owner=owner, document=None, expires_at__gt=timezone.now())


def _check_room(size: int) -> None:
    """Refuse what the disk cannot hold beside what others were promised."""
    waiting = Upload.objects.filter(document=None, expires_at__gt=timezone.now())
    promised = waiting.aggregate(sum=Sum(F("size_bytes") - F("received")))["sum"] or 0
    # At the end the parts, and the file made of them, are there together.
    needed = 2 * size + promised + RESERVE_BYTES
    folders = (Path(tempfile.gettempdir()), Path(settings.DATA_DIR))
    if min(shutil.disk_usage(folder).free for folder in folders) < needed:
        raise Refused("disk_full", f"{files.DISK_FULL} Then try again.")


def append(
    upload: Upload, blocks: Iterable[bytes], *, offset: int, checksum: Checksum | None = None
) -> Upload:
    """Keep the bytes that belong at the offset; with the last one, make the document.

    Raises UploadFault (wrong_offset, in_hand, too_large, checksum_mismatch), and Refused as
    `documents.submit` does: then nothing is left but after NOT_FINAL, where `finish`, or the
    last byte sent again, tries once more.
    """
    with _in_hand(upload):
        if offset != upload.offset:
            raise UploadFault(
                "wrong_offset", f"The next byte wanted is {upload.offset}, not {offset}."
            )
        if upload.document_id is None and upload.received < upload.size_bytes:
            _add_part(upload, blocks, checksum)
        if upload.document_id is None and upload.received == upload.size_bytes:
            _submit(upload, password="")
    return upload


def finish(upload: Upload, *, password: str) -> Document:
    """Make the document of an upload that is there as a whole. Raises UploadFault and Refused."""
    with _in_hand(upload):
        if upload.document is not None:
            return upload.document
        if upload.received < upload.size_bytes:
            raise UploadFault(
                "incomplete", f"{upload.size_bytes - upload.received:,} bytes are still missing."
            )
        return _submit(upload, password=password)


def discard(upload: Upload) -> None:
    """Forget an upload, with what was received. Raises UploadFault where it is in hand."""
    with _in_hand(upload):
        _forget(upload)


def forget_expired() -> int:
    """Delete uploads whose time is over, and parts of none; return how many uploads."""
    expired = list(Upload.objects.filter(_free(), expires_at__lt=timezone.now()))
    for upload in expired:
        _forget(upload)
    try:
        folders, _ = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return len(expired)
    known = {str(uuid) for uuid in Upload.objects.values_list("uuid", flat=True)}
    # An upload has its row before its first part.
    for name in set(folders) - known:
        files.delete_folder(f"{FOLDER}/{name}")
    return len(expired)


def _forget(upload: Upload) -> None:
    Upload.objects.filter(pk=upload.pk).delete()
    files.delete_folder(upload.folder)


def _free() -> Q:
    return Q(held_until=None) | Q(held_until__lt=timezone.now())


@contextmanager
def _in_hand(upload: Upload) -> Iterator[None]:
    """Hold the upload as nobody else may meanwhile, with what is known of it now."""
    mine = Upload.objects.filter(pk=upload.pk)
    if not mine.filter(_free()).update(held_until=timezone.now() + IN_HAND):
        raise UploadFault("in_hand", "Another request is at work on this upload.")
    upload.refresh_from_db()
    try:
        yield
    finally:
        mine.update(held_until=None)


def _add_part(upload: Upload, blocks: Iterable[bytes], checksum: Checksum | None) -> None:
    try:
        with TemporaryUploadedFile("part", BYTES, 0, None) as part:
            part.size = _copy(blocks, part, upload.size_bytes - upload.received, checksum)
            if not part.size:
                return
            name = default_storage.save(f"{upload.folder}/{upload.received:015d}", part)
    except OSError as exc:
        if files.is_disk_full(exc):
            raise Refused("disk_full", f"{files.DISK_FULL} Then try again.") from exc
        raise
    before = upload.received
    upload.received += part.size
    upload.parts = [*upload.parts, name]
    upload.expires_at = timezone.now() + LASTS
    # Should somebody who was taken for dead have added this part meanwhile, theirs holds.
    if not Upload.objects.filter(pk=upload.pk, received=before).update(
        received=upload.received, parts=upload.parts, expires_at=upload.expires_at
    ):
        default_storage.delete(name)
        raise UploadFault("wrong_offset", "Another request has added to this upload meanwhile.")


def _copy(blocks: Iterable[bytes], target: Any, most: int, checksum: Checksum | None) -> int:
    """Write the blocks; return how many bytes they were. Raises UploadFault."""
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    size = 0
    for block in blocks:
        size += len(block)
        if size > most:
            raise UploadFault("too_large", "These are more bytes than Upload-Length announced.")
        target.write(block)
        if digest:
            digest.update(block)
    target.flush()
    if checksum and digest and digest.digest() != checksum.digest:
        raise UploadFault("checksum_mismatch", "The bytes that came are not those that were sent.")
    return size


def _submit(upload: Upload, *, password: str) -> Document:
    collection = Collection.objects.editable_by(upload.owner).filter(pk=upload.collection_id)
    if not collection.exists():
        _forget(upload)
        raise UploadFault(
            "permission_denied", "You may no longer add documents to this collection."
        )
    try:
        with _joined(upload) as file:
            document = documents.submit(
                file,
                collection=upload.collection,
                owner=upload.owner,
                password=password,
                tags=upload.tags,
                metadata=upload.metadata,
            )
    except Refused as exc:
        if exc.code not in NOT_FINAL:
            _forget(upload)
        raise
    upload.document = document
    Upload.objects.filter(pk=upload.pk).update(document=document, parts=[])
    files.delete_folder(upload.folder)
    return document


@contextmanager
def _joined(upload: Upload) -> Iterator[TemporaryUploadedFile]:
    """Give the parts as one uploaded file."""
    with TemporaryUploadedFile(upload.filename, BYTES, upload.size_bytes, None) as whole:
        for name in upload.parts:
            with default_storage.open(name) as part:
                shutil.copyfileobj(part, whole, BLOCK)
        whole.flush()
        whole.seek(0)
        yield whole
