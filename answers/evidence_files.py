"""Images of evidence, kept for as long as an answer shows them.

A file is named after its bytes, so that any number of citations share it, and no later
deletion or re-parse of the document takes it away.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import PurePosixPath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q

from answers.models import Citation

FOLDER = "evidence"


def keep(name: str) -> str:
    """Copy a stored image beside the evidence and return its name there.

    Empty where there is no such file (any more): the document may be deleted meanwhile.
    """
    if not name:
        return ""
    try:
        with default_storage.open(name) as file:
            data = file.read()
    except FileNotFoundError:
        return ""
    digest = hashlib.sha256(data).hexdigest()
    kept = f"{FOLDER}/{digest}{PurePosixPath(name).suffix.lower()}"
    if not default_storage.exists(kept):
        # Two answers may get here at once: the storage gives the second another name, which
        # is as good.
        kept = default_storage.save(kept, ContentFile(data))
    return kept


def restore(kept: str, name: str) -> None:
    """Copy an image once more where the kept one has gone.

    `keep` may find it there a moment before the last other citation of it is deleted: once
    the new one is stored too, nobody deletes it any more.
    """
    if kept and not default_storage.exists(kept):
        with suppress(FileNotFoundError), default_storage.open(name) as file:
            default_storage.save(kept, file)


def discard_unused(name: str) -> None:
    """Delete a kept image unless a citation still shows it."""
    if not Citation.objects.filter(Q(crop=name) | Q(page_image=name)).exists():
        default_storage.delete(name)
