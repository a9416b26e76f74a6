"""Disk full, broker gone, database locked: the state is right, and a sentence says why."""

from __future__ import annotations

import errno
import itertools

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from ingestion import files, pages, parsing, pipeline
from ingestion.collections import default_for
from ingestion.layout import PageContent, PageImage
from ingestion.models import Chunk, Document, DocumentState, PageState
from ingestion.parsing import PageOutcome
from ingestion.tasks import parse_document
from tests.factories import pdf_bytes, upload
from tests.ingestion.page_builders import block
from tests.ingestion.ready_document import make_document

pytestmark = pytest.mark.django_db(transaction=True)

NO_ROOM = OSError(errno.ENOSPC, "No space left on device")
LOCKED = OperationalError("database is locked")


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana")


@pytest.fixture
def api(ana) -> APIClient:
    client = APIClient()
    client.force_authenticate(ana)
    return client


@pytest.fixture
def browser(ana) -> Client:
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def queued(ana, redis_url) -> Document:
    """A document of two pages, sent down the pipeline of a Redis without a worker."""
    from ingestion import documents

    data = pdf_bytes(["The harbour opens at six.", "Boats are moored for free."])
    return documents.submit(upload(data), collection=default_for(ana), owner=ana)


def parse(document: Document) -> Document:
    """Run the parsing task here, as a worker would."""
    parse_document.apply(args=[document.pk, document.run])
    document.refresh_from_db()
    return document


# --- The broker is gone ------------------------------------------------------------------------


@pytest.fixture
def no_broker(settings, tmp_path, monkeypatch) -> None:
    """A Redis URL where nothing listens, for the cache, the queue and the runs."""
    from rag_site.celery import app

    settings.REDIS_URL = f"unix://{tmp_path}/gone.sock"
    monkeypatch.setitem(app.conf, "broker_url", f"redis+socket://{tmp_path}/gone.sock")
    monkeypatch.setitem(app.conf, "broker_connection_max_retries", 0)


@pytest.mark.usefixtures("no_broker")
class TestWithoutABroker:
    def test_an_upload_is_taken_and_waits(self, api) -> None:
        response = api.post("/api/v1/documents/", {"file": upload()}, format="multipart")
        assert response.status_code == 201
        assert Document.objects.get().state == DocumentState.QUEUED

    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [
            ("cancel", DocumentState.PARSING, DocumentState.READY),
            ("retry", DocumentState.FAILED, DocumentState.QUEUED),
            ("reparse", DocumentState.READY, DocumentState.QUEUED),
        ],
    )
    def test_actions_are_done(self, api, browser, ana, action, before, after) -> None:
        for number, client in enumerate((api, browser)):
            document = make_document(default_for(ana), title=f"Report {number}", state=before)
            Document.objects.filter(pk=document.pk).update(run="lost")
            path = f"/api/v1/documents/{document.uuid}/{action}/"
            if client is browser:
                path = reverse(f"ingestion:{action}", args=[document.uuid])
            assert client.post(path).status_code in (200, 302)
            document.refresh_from_db()
            assert document.state == after

    def test_a_document_is_deleted(self, api, ana) -> None:
        document = make_document(default_for(ana))
        assert api.delete(f"/api/v1/documents/{document.uuid}/").status_code == 200
        assert list(files.files_under(document.folder)) == []

    def test_the_pages_of_the_site_are_there(self, browser, ana) -> None:
        document = make_document(default_for(ana), state=DocumentState.PARSING)
        for url in (
            reverse("ingestion:documents"),
            document.get_absolute_url(),
            reverse("ingestion:state", args=[document.uuid]),
        ):
            assert browser.get(url).status_code == 200


def test_what_was_submitted_without_a_broker_starts_when_it_is_back(
    ana, settings, tmp_path, redis_url
) -> None:
    from ingestion import documents

    settings.REDIS_URL = f"unix://{tmp_path}/gone.sock"
    document = documents.submit(upload(), collection=default_for(ana), owner=ana)
    settings.REDIS_URL = redis_url
    first_run = document.run
    pipeline.put_back_lost()
    document.refresh_from_db()
    assert (document.state, document.run != first_run) == (DocumentState.QUEUED, True)


# --- The disk is full --------------------------------------------------------------------------


def fail_from_call(monkeypatch, place: object, name: str, exc: Exception, call: int) -> None:
    """Let a method raise from its n-th call (from 1) on."""
    real, calls = getattr(place, name), itertools.count(1)

    def failing(*args, **kwargs):
        if next(calls) >= call:
            raise exc
        return real(*args, **kwargs)

    monkeypatch.setattr(place, name, failing)


@pytest.fixture
def parsed_pages(monkeypatch) -> None:
    """Pages that come from no file: what is tested here is what becomes of them."""

    def made(path, numbers, **_):
        for number in numbers:
            image = PageImage("page", b"jpeg %d" % number, "image/jpeg", 10, 10)
            text = f"What page {number} says."
            yield PageOutcome(
                number,
                PageContent(number, 612, 792, "text_layer", (block(text),), images=(image,)),
            )

    monkeypatch.setattr(parsing, "parse_pages", made)


def test_no_room_for_the_uploaded_file(api, monkeypatch) -> None:
    fail_from_call(monkeypatch, FileSystemStorage, "_save", NO_ROOM, 1)
    response = api.post("/api/v1/documents/", {"file": upload()}, format="multipart")
    assert response.status_code == 507
    assert "no room left" in response.json()["detail"]
    assert not Document.objects.exists()
    assert list(files.files_under("documents")) == []


def test_no_room_for_a_page_image_fails_and_goes_on_later(
    queued, parsed_pages, monkeypatch
) -> None:
    with monkeypatch.context() as full:
        fail_from_call(full, FileSystemStorage, "_save", NO_ROOM, 2)
        document = parse(queued)
    assert document.state == DocumentState.FAILED
    assert "no room left" in document.error
    assert "it goes on where it stopped" in document.error
    assert (document.run, document.pages_done) == ("", 1)
    goes_on(document)


def test_no_room_for_the_chunks_fails_and_goes_on_later(queued, parsed_pages, monkeypatch) -> None:
    full_database = OperationalError("database or disk is full")
    with monkeypatch.context() as full:
        fail_from_call(full, Chunk.objects, "bulk_create", full_database, 1)
        document = parse(queued)
    assert document.state == DocumentState.FAILED
    assert "no room left" in document.error
    assert not document.chunks.exists()
    goes_on(document)


def goes_on(document: Document) -> None:
    """Retry it: every page is read once, and its chunks are there."""
    from ingestion import documents

    documents.retry(document)
    document.refresh_from_db()
    document = parse(document)
    assert document.state == DocumentState.EMBEDDING
    assert set(document.pages.values_list("state", flat=True)) == {PageState.DONE}
    assert document.pages_done == 2
    text = " ".join(document.chunks.order_by("order").values_list("text", flat=True))
    assert text.split() == ["What", "page", "1", "says.", "What", "page", "2", "says."]


# --- The database is locked --------------------------------------------------------------------


def test_a_locked_database_is_tried_again_and_then_said(queued, parsed_pages, monkeypatch) -> None:
    monkeypatch.setattr(pages.Page, "save", raising(LOCKED))
    document = parse(queued)
    # Without a worker each retry runs at once: in the end the document says why it stopped.
    assert document.state == DocumentState.FAILED
    assert "The database could not be used: database is locked." in document.error
    assert "tried 5 times" in document.error


def test_a_database_that_was_locked_for_a_moment_is_not_noticed(
    queued, parsed_pages, monkeypatch
) -> None:
    real, calls = pages.Page.save, itertools.count()

    def once(self, *args, **kwargs):
        if next(calls) == 0:
            raise LOCKED
        real(self, *args, **kwargs)

    monkeypatch.setattr(pages.Page, "save", once)
    document = parse(queued)
    assert (document.state, document.error) == (DocumentState.EMBEDDING, "")


def test_an_upload_into_a_locked_database_says_to_try_again(api, monkeypatch) -> None:
    monkeypatch.setattr(Document, "save", raising(LOCKED))
    response = api.post("/api/v1/documents/", {"file": upload()}, format="multipart")
    assert response.status_code == 503
    assert response.json()["code"] == "busy"
    assert list(files.files_under("documents")) == []


def raising(exc: Exception):
    def call(*_, **__):
        raise exc

    return call
