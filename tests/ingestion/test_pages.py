"""Pages become rows, one by one; chunks are made of all of them."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest
from celery.exceptions import Ignore
from django.contrib.auth import get_user_model
from django.core.files.storage import FileSystemStorage, default_storage

from ingestion import documents, files, page_store, pages, parsing, pipeline, tasks
from ingestion.collections import default_for
from ingestion.errors import PermanentError
from ingestion.layout import Block, Box, Line, PageContent, PageImage
from ingestion.models import Chunk, Document, DocumentState, PageState
from tests.factories import epub_bytes, image_bytes, pdf_bytes, upload

pytestmark = pytest.mark.django_db(transaction=True)

FOX = "The quick brown fox jumps over the lazy dog near the bank of the river."
CRASHED = "Page {} was skipped: it crashes the program that reads it."


@pytest.fixture
def submit(redis_url: str, sent_tasks):
    owner = get_user_model().objects.create_user("ana", password="x")

    def submit(data: bytes) -> Document:
        return documents.submit(upload(data), collection=default_for(owner), owner=owner)

    return submit


@pytest.fixture
def document(submit) -> Document:
    return submit(pdf_bytes([f"{FOX} {name}. " * 12 for name in ("One", "Two", "Three")]))


def content(number: int, text: str) -> PageContent:
    box = Box(72, 300, 540, 318)
    image = PageImage("page", f"JPEG of {text}".encode(), "image/jpeg", 10, 10)
    block = Block("text", box, (Line(text, box),), font_size=11)
    return PageContent(number, 612, 792, "text_layer", (block,), images=(image,))


@pytest.fixture
def outcomes(monkeypatch):
    """Say what parsing each page gives, instead of parsing: number to outcome or exception."""
    given: dict[int, object] = {}
    asked: list[int] = []

    def parse_pages(path, numbers, **_):
        for number in numbers:
            asked.append(number)
            outcome = given.get(number) or content(number, f"{FOX} {number}")
            if callable(outcome):
                outcome = outcome()
            if isinstance(outcome, str):
                yield parsing.PageOutcome(number, None, outcome)
            else:
                yield parsing.PageOutcome(number, outcome)

    monkeypatch.setattr(parsing, "parse_pages", parse_pages)
    given["asked"] = asked  # type: ignore[index]
    return given


def test_parses_every_page_and_makes_chunks(document: Document) -> None:
    assert pages.parse(document, document.run)
    document.refresh_from_db()
    assert document.state == DocumentState.EMBEDDING
    assert document.pages_done == 3
    assert [page.state for page in document.pages.all()] == [PageState.DONE] * 3
    for page in document.pages.all():
        assert default_storage.exists(page.image)
    chunks = list(document.chunks.all())
    assert document.chunks_total == len(chunks) > 0
    assert {chunk.generation for chunk in chunks} == {1}
    assert "One." in chunks[0].text
    assert chunks[0].spans


@pytest.mark.parametrize(
    ("make", "number", "said"),
    [
        (lambda: ("Grüße aus Köln am Rhein.\n" * 30).encode(), 1, "Grüße aus Köln am Rhein."),
        (epub_bytes, 1, "It was a bright cold day in April."),
    ],
    ids=["text", "epub"],
)
def test_parses_what_was_no_pdf(make, number: int, said: str, submit) -> None:
    document = submit(make())
    assert pages.parse(document, document.run)
    assert said in " ".join(chunk.text for chunk in document.chunks.all())
    assert default_storage.exists(document.pdf_name)


def test_an_image_is_a_page_and_is_shown(submit) -> None:
    document = submit(image_bytes("TIFF", frames=2))
    pages.parse(document, document.run)
    assert [page.number for page in document.pages.all()] == [1, 2]
    assert all(default_storage.exists(page.image) for page in document.pages.all())


def test_gives_way_when_its_turn_is_over(document: Document, outcomes, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "LONGEST_TURN_SECONDS", -1)
        assert not pages.parse(document, document.run)
    assert outcomes["asked"] == []
    assert pages.parse(document, document.run)


def test_finished_pages_are_not_parsed_again(document: Document, outcomes) -> None:
    def die() -> object:
        raise KeyboardInterrupt

    outcomes[3] = die
    with pytest.raises(KeyboardInterrupt):
        pages.parse(document, document.run)
    assert document.pages.filter(state=PageState.DONE).count() == 2
    outcomes["asked"].clear()
    outcomes.pop(3)
    assert pages.parse(document, document.run)
    assert outcomes["asked"] == [3]


def test_a_page_that_fails_twice_is_skipped_with_its_reason(document: Document, outcomes) -> None:
    outcomes[2] = CRASHED.format(2)
    assert not pages.parse(document, document.run)
    assert pages.parse(document, document.run)
    page = document.pages.get(number=2)
    assert (page.state, page.warnings) == (PageState.SKIPPED, [CRASHED.format(2)])
    text = " ".join(chunk.text for chunk in document.chunks.all())
    assert f"{FOX} 1" in text
    assert f"{FOX} 3" in text
    documents.publish(document, document.run)
    assert documents.progress(Document.objects.get()).label == "Ready, 1 page skipped"


def test_nothing_but_bad_pages_fails_with_the_reason(document: Document, outcomes) -> None:
    for number in (1, 2, 3):
        outcomes[number] = CRASHED.format(number)
    pages.parse(document, document.run)
    with pytest.raises(PermanentError, match="crashes the program that reads it"):
        pages.parse(document, document.run)


def test_a_document_cancelled_in_the_middle_is_let_go(document: Document, outcomes) -> None:
    def cancel() -> PageContent:
        documents.cancel(Document.objects.get())
        return content(2, "late")

    outcomes[2] = cancel
    with pytest.raises(pipeline.Superseded):
        pages.parse(document, document.run)
    assert document.pages.get(number=2).state == PageState.PENDING
    assert outcomes["asked"] == [1, 2]


def test_nothing_is_left_of_a_document_deleted_in_the_middle(document: Document, outcomes) -> None:
    def delete() -> PageContent:
        documents.delete(Document.objects.get())
        return content(2, "late")

    outcomes[2] = delete
    with pytest.raises(Ignore):
        tasks.parse_document(document.pk, document.run)
    assert not Document.objects.exists()
    assert list(files.files_under("documents")) == []


def test_nothing_is_left_of_a_document_deleted_while_its_pdf_is_made(submit, monkeypatch) -> None:
    document = submit(b"Plain words, to be laid out.\n")

    def delete(path: Path, target, **_: object) -> None:
        documents.delete(Document.objects.get())
        target.write(pdf_bytes())

    monkeypatch.setattr(parsing, "convert", delete)
    with pytest.raises(Ignore):
        tasks.parse_document(document.pk, document.run)
    assert list(files.files_under("documents")) == []


def test_cancelling_stops_a_page_in_the_middle(document: Document, monkeypatch) -> None:
    monkeypatch.setattr(pages, "WATCH_SECONDS", 0)
    documents.cancel(Document.objects.get())
    tick = pages._Watch(document, document.run)
    with pytest.raises(pipeline.Superseded):
        tick()


def test_a_full_disk_fails_with_a_sentence_and_retry_goes_on(
    document: Document, outcomes, monkeypatch
) -> None:
    save = FileSystemStorage._save

    def no_room_for_page_two(self, name: str, data) -> str:
        if Path(name).name.startswith("00002"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(self, name, data)

    monkeypatch.setattr(FileSystemStorage, "_save", no_room_for_page_two)
    with pytest.raises(Ignore):
        tasks.parse_document(document.pk, document.run)
    document.refresh_from_db()
    assert document.state == DocumentState.FAILED
    assert document.error == (
        "There is no room left on the server's disk: free some. "
        "Then retry: it goes on where it stopped."
    )
    assert document.pages_done == 1
    monkeypatch.setattr(FileSystemStorage, "_save", save)
    documents.retry(document)
    outcomes["asked"].clear()
    assert pages.parse(document, document.run)
    assert outcomes["asked"] == [2, 3]


def test_half_a_file_of_a_killed_worker_is_written_again(document: Document, outcomes) -> None:
    data = content(1, f"{FOX} 1").images[0].data
    name = f"{document.folder}/pages/00001-{hashlib.sha256(data).hexdigest()[:16]}.jpg"
    path = Path(default_storage.path(name))
    path.parent.mkdir(parents=True)
    path.write_bytes(data[:4])
    assert pages.parse(document, document.run)
    assert document.pages.get(number=1).image == name
    assert path.read_bytes() == data


def test_chunks_are_written_in_batches_and_begun_anew(
    document: Document, outcomes, monkeypatch
) -> None:
    monkeypatch.setattr(pages, "CHUNK_BATCH", 1)
    for number in (1, 2, 3):
        outcomes[number] = content(number, f"{FOX} {number}. " * 60)
    assert pages.parse(document, document.run)
    chunks = list(Chunk.objects.values_list("order", "text"))
    assert len(chunks) > 3
    assert [order for order, _ in chunks] == list(range(len(chunks)))
    assert pages.parse(document, document.run)
    assert list(Chunk.objects.values_list("order", "text")) == chunks
    document.refresh_from_db()
    assert document.chunks_total == len(chunks)


def test_redoing_a_page_makes_a_new_generation(document: Document, outcomes) -> None:
    pages.parse(document, document.run)
    documents.publish(document, document.run)
    old_image = document.pages.get(number=2).image
    documents.redo_page(document, 2)
    outcomes["asked"].clear()
    outcomes[2] = content(2, "Now it can be read.")
    assert pages.parse(document, document.run)
    assert outcomes["asked"] == [2]
    assert default_storage.exists(old_image)
    assert "Now it can" not in " ".join(chunk.text for chunk in Chunk.objects.live())
    documents.publish(document, document.run)
    assert "Now it can" in " ".join(chunk.text for chunk in Chunk.objects.live())
    assert not default_storage.exists(old_image)


def test_blocks_are_kept_for_later_chunking(document: Document, outcomes) -> None:
    pages.parse(document, document.run)
    page = document.pages.get(number=1)
    assert page_store.load_blocks(bytes(page.layout)) == content(1, f"{FOX} 1").blocks
