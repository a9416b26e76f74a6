"""What is taken, what is refused and why, and that nothing is left behind."""

from __future__ import annotations

import errno
import hashlib

import pymupdf
import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from ingestion import documents, files, pipeline
from ingestion.collections import default_for
from ingestion.errors import PermanentError
from ingestion.models import Chunk, Document, DocumentState, Page, PageState
from ingestion.signals import document_published
from tests.factories import epub_bytes, image_bytes, pdf_bytes, upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner():
    return get_user_model().objects.create_user("ana", password="x")


@pytest.fixture
def collection(owner):
    return default_for(owner)


@pytest.fixture
def document(collection, owner, sent_tasks) -> Document:
    return documents.submit(upload(), collection=collection, owner=owner)


def test_a_title_that_names_nothing_is_the_files_name(collection, owner, sent_tasks) -> None:
    with pymupdf.open(stream=pdf_bytes()) as pdf:
        pdf.set_metadata({"title": "Microsoft Word - draft.doc"})
        data = pdf.tobytes()
    found = documents.submit(upload(data, "minutes.pdf"), collection=collection, owner=owner)
    assert found.title == "minutes"


def test_submit_stores_the_file_and_sends_it_down_the_pipeline(document, sent_tasks) -> None:
    assert document.state == DocumentState.QUEUED
    assert document.page_count == 1
    assert document.title == "report"
    assert default_storage.exists(document.file.name)
    assert "report" not in document.file.name
    assert sent_tasks == [(document.pk, document.run)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02 bytes", "unsupported"),
        (b"%PDF-1.7\nnothing of a PDF follows", "damaged"),
        (pdf_bytes(password="secret"), "encrypted"),
    ],
    # The bytes would make names that differ from process to process.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_with_a_reason_and_leaves_nothing(
    data, code, collection, owner, sent_tasks
) -> None:
    with pytest.raises(documents.Refused) as refused:
        documents.submit(upload(data), collection=collection, owner=owner)
    assert refused.value.code == code
    assert refused.value.reason.endswith(".")
    assert not Document.objects.exists()
    assert list(files.files_under("documents")) == []
    assert sent_tasks == []


@pytest.mark.parametrize(
    ("make", "media_type", "extension", "page_count", "title"),
    [
        (lambda: image_bytes("PNG"), "image/png", ".png", 1, "report"),
        (lambda: image_bytes("JPEG"), "image/jpeg", ".jpg", 1, "report"),
        (lambda: image_bytes("WEBP"), "image/webp", ".webp", 1, "report"),
        (lambda: image_bytes("TIFF", frames=3), "image/tiff", ".tiff", 3, "report"),
        (epub_bytes, "application/epub+zip", ".epub", 1, "A Small Book"),
        (lambda: "Grüße aus Köln.\n".encode(), "text/plain", ".txt", 1, "report"),
    ],
    ids=["png", "jpeg", "webp", "tiff", "epub", "text"],
)
def test_takes_other_kinds_for_what_they_are(
    make, media_type, extension, page_count, title, collection, owner, sent_tasks
) -> None:
    data = make()
    document = documents.submit(upload(data, "report.pdf"), collection=collection, owner=owner)
    assert (document.media_type, document.page_count) == (media_type, page_count)
    assert document.title == title
    assert document.file.name.endswith(f"source{extension}")
    assert default_storage.open(document.file.name).read() == data


def test_says_what_is_taken(collection, owner) -> None:
    with pytest.raises(documents.Refused, match="PDF, EPUB, plain text, PNG, JPEG, TIFF and WebP"):
        documents.submit(upload(b"GIF89a\x00\x00"), collection=collection, owner=owner)


def test_a_damaged_image_is_no_empty_page(collection, owner) -> None:
    with pytest.raises(documents.Refused, match="looks like PNG, but it is damaged") as refused:
        documents.submit(upload(image_bytes("PNG")[:1500]), collection=collection, owner=owner)
    assert refused.value.code == "damaged"


def test_a_password_opens_a_protected_file_once_and_is_kept_nowhere(
    collection, owner, sent_tasks, data_dir
) -> None:
    data = pdf_bytes(["Secret words."], password="open sesame")
    with pytest.raises(documents.Refused) as refused:
        documents.submit(upload(data), collection=collection, owner=owner, password="wrong")
    assert refused.value.code == "wrong_password"
    document = documents.submit(
        upload(data), collection=collection, owner=owner, password="open sesame"
    )
    assert document.sha256 == hashlib.sha256(data).hexdigest()
    with pymupdf.open(default_storage.path(document.file.name)) as stored:
        assert not stored.needs_pass
        assert "Secret words." in stored[0].get_text()
    assert "sesame" not in str(Document.objects.filter(pk=document.pk).values())
    with pytest.raises(documents.Refused) as refused:
        documents.submit(upload(data), collection=collection, owner=owner)
    assert refused.value.code == "duplicate"


def test_a_password_for_a_file_without_one_changes_nothing(collection, owner, sent_tasks) -> None:
    data = pdf_bytes()
    document = documents.submit(upload(data), collection=collection, owner=owner, password="x")
    assert default_storage.open(document.file.name).read() == data


def test_refuses_the_same_bytes_twice_and_names_the_first(document, collection, owner) -> None:
    with pytest.raises(documents.Refused) as refused:
        documents.submit(
            upload(default_storage.open(document.file.name).read(), "copy.pdf"),
            collection=collection,
            owner=owner,
        )
    assert refused.value.code == "duplicate"
    assert refused.value.existing == document


def test_refuses_what_is_too_large_or_too_long(collection, owner, settings, sent_tasks) -> None:
    settings.UPLOAD_MAX_PAGES = 1
    with pytest.raises(documents.Refused, match="2 pages"):
        documents.submit(upload(pdf_bytes(["a", "b"])), collection=collection, owner=owner)
    settings.UPLOAD_MAX_MB = 0
    with pytest.raises(documents.Refused, match="larger"):
        documents.submit(upload(), collection=collection, owner=owner)


def test_a_full_disk_is_a_clear_refusal(collection, owner, monkeypatch, sent_tasks) -> None:
    def no_room(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", no_room)
    with pytest.raises(documents.Refused) as refused:
        documents.submit(upload(), collection=collection, owner=owner)
    assert refused.value.code == "disk_full"
    assert not Document.objects.exists()


def test_nothing_is_left_of_what_the_database_does_not_take(
    collection, owner, monkeypatch, sent_tasks
) -> None:
    def too_long(*_: object, **__: object) -> None:
        raise DataError("value too long")

    monkeypatch.setattr(Document, "save", too_long)
    with pytest.raises(DataError):
        documents.submit(upload(), collection=collection, owner=owner)
    assert list(files.files_under("documents")) == []


def test_publish_switches_generations_and_tells_listeners(document) -> None:
    page = Page.objects.create(document=document, number=1, state=PageState.DONE)
    for generation in (1, 2):
        Document.objects.filter(pk=document.pk).update(live_generation=1)
        Chunk.objects.create(
            document=document,
            page=page,
            generation=generation,
            order=0,
            kind="text",
            page_number=1,
            box=[0, 0, 1, 1],
            text=f"generation {generation}",
        )
    heard: list[int] = []

    def listen(document: Document, **_: object) -> None:
        heard.append(document.live_generation)

    document_published.connect(listen)
    document.refresh_from_db()
    documents.publish(document, document.run)
    assert heard == [2]
    assert [chunk.text for chunk in Chunk.objects.live()] == ["generation 2"]
    assert Chunk.objects.count() == 1
    assert Document.objects.get().state == DocumentState.READY


def test_a_superseded_run_cannot_publish(document) -> None:
    old = document.run
    documents.cancel(document)
    with pytest.raises(pipeline.Superseded):
        documents.publish(document, old)
    assert Document.objects.get().state == DocumentState.CANCELLED


def test_delete_leaves_no_row_and_no_file(document) -> None:
    folder = document.folder
    documents.delete(document)
    assert not Document.objects.exists()
    assert list(files.files_under(folder)) == []


def test_redo_page_sends_one_page_to_be_parsed_again(document, sent_tasks) -> None:
    for number in (1, 2):
        Page.objects.create(document=document, number=number, state=PageState.DONE, attempts=1)
    documents.redo_page(document, 2)
    states = dict(document.pages.values_list("number", "state"))
    assert states == {1: PageState.DONE, 2: PageState.PENDING}
    assert len(sent_tasks) == 2
    assert Document.objects.get().pages_done == 1
    with pytest.raises(Page.DoesNotExist):
        documents.redo_page(document, 3)


@pytest.mark.parametrize(
    "verb",
    [
        *(documents.retry, documents.reparse, documents.delete),
        lambda document: documents.redo_page(document, 1),
    ],
)
def test_whoever_changes_pages_locks_their_document_first(document, verb) -> None:
    Page.objects.create(document=document, number=1, state=PageState.SKIPPED)
    with CaptureQueriesContext(connection) as asked:
        verb(document)
    first = next(query["sql"] for query in asked if "ingestion_" in query["sql"])
    assert first.startswith("SELECT")
    assert 'FROM "ingestion_document"' in first


def parsed(document: Document) -> list[tuple[int, str, list[str]]]:
    return list(document.pages.values_list("number", "state", "warnings"))


def test_cancelling_a_parse_anew_leaves_the_document_as_it_was(document) -> None:
    for number, layout in enumerate((b"read", b"read", b"read", b""), start=1):
        state = PageState.DONE if layout else PageState.SKIPPED
        warnings = ["Scanned."] if layout else ["It broke."]
        Page.objects.create(
            document=document, number=number, state=state, layout=layout, warnings=warnings
        )
    page = document.pages.first()
    chunk = {"document": document, "page": page, "kind": "text", "page_number": 1, "box": []}
    Chunk.objects.create(**chunk, generation=1, order=0)
    documents.publish(document, document.run)
    before = parsed(document)
    ready_at = document.ready_at
    documents.reparse(document)
    # By now one page was read anew, and another could not be read.
    document.pages.filter(number=1).update(state=PageState.DONE)
    document.pages.filter(number=2).update(state=PageState.SKIPPED, attempts=2, warnings=["No."])
    Chunk.objects.create(**chunk, generation=2, order=0)
    documents.cancel(document)
    assert (document.state, document.run, document.ready_at) == ("ready", "", ready_at)
    assert document.pages_done == 4
    assert parsed(document) == [before[0], (2, PageState.DONE, []), *before[2:]]
    assert [found.generation for found in document.chunks.all()] == [1]


def test_a_page_that_was_not_read_again_is_missing_once_that_is_published(document) -> None:
    Page.objects.create(document=document, number=1, state=PageState.SKIPPED, layout=b"old")
    documents.publish(document, document.run)
    documents.reparse(document)
    documents.cancel(document)
    assert [state for _, state, _ in parsed(document)] == [PageState.SKIPPED]


def test_there_is_nothing_to_retry_of_what_is_ready(document, sent_tasks) -> None:
    Page.objects.create(document=document, number=1, state=PageState.DONE)
    documents.publish(document, document.run)
    with pytest.raises(PermanentError, match="neither failed nor was cancelled"):
        documents.retry(document)
    assert len(sent_tasks) == 1


def test_retry_gives_skipped_pages_another_chance(document, sent_tasks) -> None:
    Page.objects.create(document=document, number=1, state=PageState.SKIPPED, warnings=["Broke."])
    pipeline.fail(document.pk, document.run, "It broke.")
    document.refresh_from_db()
    documents.retry(document)
    assert Page.objects.get().state == PageState.PENDING
    assert len(sent_tasks) == 2
    assert Document.objects.get().error == ""
