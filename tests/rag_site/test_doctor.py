"""The doctor looks at files, too, and its command says how it went."""

from __future__ import annotations

import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from answers import stray_evidence
from ingestion import stray_files
from ingestion.models import Document
from retrieval import keywords, spaces
from tests.retrieval.conftest import (  # noqa: F401  (fixtures)
    asked,
    fruit_spaces,
    library,
)


@pytest.fixture
def old_files(monkeypatch):
    """Files count as old the moment they are written."""
    monkeypatch.setattr(stray_files, "GRACE", -stray_files.GRACE)
    monkeypatch.setattr(stray_evidence, "GRACE", -stray_evidence.GRACE)


def indexed(library) -> Document:  # noqa: F811
    document = library.document("apple")
    document.file.save("a.pdf", ContentFile(b"%PDF"))
    keywords.refresh(spaces.live_versions()[keywords.SPACE])
    return document


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("index_doctor", *arguments, stdout=out)
    return out.getvalue()


def test_all_is_well(library) -> None:  # noqa: F811
    indexed(library)
    assert "Everything is in step." in run()


def test_stray_files_are_deleted_and_lost_ones_told(library, old_files) -> None:  # noqa: F811
    document = indexed(library)
    default_storage.save("documents/stray/pages/1.webp", ContentFile(b"x"))
    default_storage.save("evidence/unused.webp", ContentFile(b"x"))
    default_storage.save("attachments/unused.jpg", ContentFile(b"x"))
    with pytest.raises(CommandError, match="2 findings"):
        run()
    assert "Everything is in step." in run("--repair")
    assert not default_storage.exists("documents/stray/pages/1.webp")
    assert not default_storage.exists("evidence/unused.webp")
    assert not default_storage.exists("attachments/unused.jpg")
    default_storage.delete(str(document.file.name))
    with pytest.raises(CommandError, match="1 findings"):
        run("--repair")


def test_what_was_just_written_is_left_alone(library) -> None:  # noqa: F811
    default_storage.save("documents/coming/source.pdf", ContentFile(b"x"))
    default_storage.save("evidence/coming.webp", ContentFile(b"x"))
    assert "Everything is in step." in run("--repair")
    assert default_storage.exists("documents/coming/source.pdf")
    assert default_storage.exists("evidence/coming.webp")
