"""Kept images that nothing shows any more: evidence of citations, pictures of questions."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from answers import attachments, evidence_files
from answers.models import Attachment, Citation
from ingestion import files
from ingestion.findings import Finding

# An image is kept a moment before the row that shows it is stored.
GRACE = timedelta(hours=1)
FOLDERS = (evidence_files.FOLDER, attachments.FOLDER)


def examine() -> list[Finding]:
    """Count the images that nothing shows."""
    count = len(_stray())
    if not count:
        return []
    sentence = f"{count} kept images are shown by no answer and no question."
    place = " and ".join(FOLDERS)
    return [Finding("orphan_evidence", place, count, sentence, "delete them")]


def delete() -> int:
    """Delete them; return how many there were."""
    stray = _stray()
    for name in stray:
        default_storage.delete(name)
    return len(stray)


def _stray() -> list[str]:
    shown = set(Attachment.objects.values_list("image", flat=True))
    for names in Citation.objects.values_list("crop", "page_image").iterator():
        shown.update(names)
    before = timezone.now() - GRACE
    return [
        name
        for folder in FOLDERS
        for name in files.files_under(folder)
        if name not in shown and default_storage.get_modified_time(name) < before
    ]
