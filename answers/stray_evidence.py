"""Kept images that no citation shows any more."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from answers.evidence_files import FOLDER
from answers.models import Citation
from ingestion import files
from ingestion.findings import Finding

# An image is kept a moment before the citation that shows it is stored.
GRACE = timedelta(hours=1)


def examine() -> list[Finding]:
    """Count the images of evidence that nothing shows."""
    count = len(_stray())
    if not count:
        return []
    sentence = f"{count} kept images of evidence are shown by no answer."
    return [Finding("orphan_evidence", FOLDER, count, sentence, "delete them")]


def delete() -> int:
    """Delete them; return how many there were."""
    stray = _stray()
    for name in stray:
        default_storage.delete(name)
    return len(stray)


def _stray() -> list[str]:
    shown: set[str] = set()
    for names in Citation.objects.values_list("crop", "page_image").iterator():
        shown.update(names)
    before = timezone.now() - GRACE
    return [
        name
        for name in files.files_under(FOLDER)
        if name not in shown and default_storage.get_modified_time(name) < before
    ]
