"""Files that belong to no document, and documents whose files are gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from ingestion import files
from ingestion.findings import Finding
from ingestion.models import Document

FOLDER = "documents"
# A folder is made a moment before its document's row: what is younger is left alone.
GRACE = timedelta(hours=1)


def examine() -> list[Finding]:
    """Compare the stored files with the documents."""
    found = []
    if stray := list(_stray_folders()):
        found.append(
            Finding(
                "orphan_files",
                FOLDER,
                len(stray),
                f"{len(stray)} folders of files belong to no document.",
                "delete them",
            )
        )
    if gone := _without_file():
        titles = ", ".join(f"“{title}”" for title in gone[:5])
        found.append(
            Finding(
                "missing_files",
                FOLDER,
                len(gone),
                f"The files of {len(gone)} documents are gone: {titles}. They can still be "
                "searched, but not be parsed again: upload them anew, or restore a backup.",
                "",
            )
        )
    return found


def delete_stray_folders() -> int:
    """Delete the folders that belong to no document; return how many there were."""
    stray = list(_stray_folders())
    for folder in stray:
        files.delete_folder(folder)
    return len(stray)


def _stray_folders() -> Iterator[str]:
    try:
        names, _ = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return
    known = {str(uuid) for uuid in Document.objects.values_list("uuid", flat=True)}
    for name in names:
        folder = f"{FOLDER}/{name}"
        if name not in known and _is_old(folder):
            yield folder


def _is_old(folder: str) -> bool:
    before = timezone.now() - GRACE
    names = files.files_under(folder)
    return all(default_storage.get_modified_time(name) < before for name in names)


def _without_file() -> list[str]:
    rows = Document.objects.only("title", "file")
    return [row.title for row in rows if not default_storage.exists(str(row.file.name))]
