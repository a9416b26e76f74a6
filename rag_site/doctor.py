"""The index doctor: everything that can be out of step, examined and mended together."""

from __future__ import annotations

from answers import stray_evidence
from ingestion import stray_files
from ingestion.findings import Finding
from retrieval import doctor as indexes


def examine() -> list[Finding]:
    """Hold rows, vectors, indexes and files against each other; change nothing."""
    return [*indexes.examine(), *stray_files.examine(), *stray_evidence.examine()]


def repair() -> list[Finding]:
    """Mend what can be mended, and return what is left.

    Raises TransientError when another process is writing an index: try again then.
    """
    indexes.repair()
    stray_files.delete_stray_folders()
    stray_evidence.delete()
    return examine()
