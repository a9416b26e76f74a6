"""A watched folder of real files: what is renamed, changed or out of reach keeps its document."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from ingestion import folder_watch, folders, parsing
from ingestion.collections import default_for
from ingestion.documents import Refused
from ingestion.folder_watch import Change, Watched
from ingestion.folders import Outcome
from ingestion.layout import DocumentFacts
from ingestion.models import Document
from tests.factories import pdf_bytes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf_bytes(["The first."]))
    (folder / "other.pdf").write_bytes(pdf_bytes(["Another."]))
    return folder


@pytest.fixture
def start(inbox: Path, sent_tasks, monkeypatch) -> Callable[[], Watched]:
    """Watch the folder as a program does that was just started; no file is opened here."""
    monkeypatch.setattr(folder_watch, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(parsing, "inspect", lambda *_, **__: DocumentFacts(1, {}))
    owner = User.objects.create_user("ana")
    collection = default_for(owner)
    return lambda: Watched([inbox], collection, owner)


def settled(watched: Watched) -> list[Change]:
    """Look until nothing is left to wait for; return what was done."""
    changes = [*watched.look()]
    for _ in range(10):
        if not watched.unsettled:
            break
        changes += watched.look()
    return changes


def in_step(watched: Watched) -> dict[str, Document]:
    """Look until all is settled; return the documents by the names of their files."""
    settled(watched)
    # The pipeline does not run here.
    Document.objects.update(state="ready")
    return {Path(found.source_path).name: found for found in Document.objects.all()}


def test_a_renamed_file_keeps_its_document(inbox: Path, start) -> None:
    watched = start()
    before = in_step(watched)
    (inbox / "a.pdf").rename(inbox / "b.pdf")
    after = in_step(watched)
    assert set(after) == {"b.pdf", "other.pdf"}
    assert after["b.pdf"].uuid == before["a.pdf"].uuid


def test_a_file_renamed_while_nobody_looked_keeps_its_document(inbox: Path, start) -> None:
    before = in_step(start())
    (inbox / "later").mkdir()
    (inbox / "a.pdf").rename(inbox / "later" / "b.pdf")
    assert in_step(start())["b.pdf"].uuid == before["a.pdf"].uuid


def test_a_file_moved_during_a_look_keeps_its_document(inbox: Path, start, monkeypatch) -> None:
    watched = start()
    before = in_step(watched)
    with monkeypatch.context() as during:
        during.setattr(folders, "walk", lambda *_, **__: [inbox / "other.pdf"])
        assert [*watched.look()] == []
    assert in_step(watched)["a.pdf"].uuid == before["a.pdf"].uuid


def test_a_deleted_file_takes_its_document_along(inbox: Path, start) -> None:
    watched = start()
    in_step(watched)
    (inbox / "a.pdf").unlink()
    assert [change.kind for change in settled(watched)] == ["deleted"]
    assert set(in_step(watched)) == {"other.pdf"}


@pytest.mark.parametrize("name", ["program.db", "log.txt"])
def test_a_file_that_stays_open_keeps_no_other_document(inbox: Path, start, name: str) -> None:
    with (inbox / name).open("wb") as file:
        file.write(b"\0" if name == "program.db" else b"A line.\n")
        file.flush()
        watched = start()
        in_step(watched)
        (inbox / "a.pdf").unlink()
        assert set(in_step(watched)) == {"other.pdf"}
        # Only what may become a document is looked at again and again.
        assert watched.unsettled == (name == "log.txt")


def test_a_moved_file_that_is_still_open_keeps_its_document(inbox: Path, start) -> None:
    watched = start()
    before = in_step(watched)
    with (inbox / "b.pdf").open("wb") as file:
        file.write((inbox / "a.pdf").read_bytes())
        file.flush()
        (inbox / "a.pdf").unlink()
        assert settled(watched) == []
    assert in_step(watched)["b.pdf"].uuid == before["a.pdf"].uuid


@pytest.mark.parametrize("place", ["walk", "look"])
def test_a_file_that_cannot_be_looked_at_is_not_gone(
    inbox: Path, start, monkeypatch, place: str
) -> None:
    watched = start()
    before = in_step(watched)
    look = Path.stat
    # Both the walk and the look ask for a file's status: one after the other.
    passed = iter([place == "look", *[False] * 99])

    def stat(path: Path, **options: object) -> os.stat_result:
        if path.name == "a.pdf" and not next(passed):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return look(path, **options)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "stat", stat)
        assert settled(watched) == []
        assert [*watched.look()] == []
    assert in_step(watched) == before


def test_a_name_of_any_bytes_is_refused_and_stops_nothing(inbox: Path, start) -> None:
    odd = os.fsdecode(os.fsencode(inbox) + b"/b\xff.pdf")
    Path(odd).write_bytes(pdf_bytes(["Odd."]))
    watched = start()
    refused = [change.outcome.refused for change in settled(watched) if change.outcome.refused]
    assert [refusal.code for refusal in refused] == ["unreadable"]
    assert set(in_step(watched)) == {"a.pdf", "other.pdf"}


def test_a_file_refused_by_a_busy_database_is_submitted_again(
    inbox: Path, start, monkeypatch
) -> None:
    watched = start()
    busy = Outcome(inbox / "a.pdf", refused=Refused("busy", "The database is busy."))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(folders, "submit", lambda *_, **__: busy)
        meanwhile.setattr(folder_watch, "LOOK_SECONDS", 0)
        settled(watched)
    assert set(in_step(watched)) == {"a.pdf", "other.pdf"}


@pytest.mark.parametrize("code", ["busy", "too_large"])
def test_what_was_refused_is_not_tried_at_each_tick(
    inbox: Path, start, monkeypatch, code: str
) -> None:
    watched = start()
    in_step(watched)
    # One is new, and one has a document of its former content.
    for name in ("a.pdf", "b.pdf"):
        (inbox / name).write_bytes(pdf_bytes([f"New in {name}."]))
    refused = Outcome(inbox / "a.pdf", refused=Refused(code, "Not now."))
    monkeypatch.setattr(folders, "submit", lambda *_, **__: refused)
    assert len(settled(watched)) == 2
    assert not watched.unsettled
    assert [*watched.look()] == []
