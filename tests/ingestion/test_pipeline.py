"""Steps run for the current run alone, and lost documents go on by themselves."""

from __future__ import annotations

import errno
import uuid

import pytest
import redis
from celery.exceptions import Ignore
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError

from ingestion import documents, files, hub, liveness, pipeline
from ingestion.collections import default_for
from ingestion.errors import PermanentError, TransientError
from ingestion.models import Document, DocumentState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def document(redis_url: str) -> Document:
    owner = get_user_model().objects.create_user("ana", password="x")
    return Document.objects.create(
        collection=default_for(owner),
        title="A report",
        filename="a.pdf",
        sha256="0" * 64,
        size_bytes=1,
        page_count=1,
        run=uuid.uuid4().hex,
    )


troubles: list[Exception] = []


@pipeline.step
def try_it(document: Document, run: str) -> bool:
    raise troubles[0]


def another_document(document: Document) -> Document:
    return Document.objects.create(
        collection=document.collection,
        title="Another",
        filename="b.pdf",
        sha256="1" * 64,
        size_bytes=1,
        page_count=1,
        run=uuid.uuid4().hex,
    )


def test_a_step_runs_for_the_current_run_alone(document: Document) -> None:
    seen: list[str] = []

    @pipeline.step
    def look(document: Document, run: str) -> bool:
        seen.append(run)
        return True

    look(document.pk, document.run)
    with pytest.raises(Ignore):
        look(document.pk, "older")
    assert seen == [document.run]


def test_a_run_that_is_over_leaves_no_key(document: Document, redis_url: str) -> None:
    @pipeline.step
    def go_on(document: Document, run: str) -> bool:
        return True

    @pipeline.step
    def end(document: Document, run: str) -> bool:
        documents.publish(document, run)
        return True

    key = f"pagewise:run:{document.run}"
    go_on(document.pk, document.run)
    assert redis.Redis.from_url(redis_url).get(key) == b"waiting"
    end(document.pk, document.run)
    assert redis.Redis.from_url(redis_url).get(key) is None


def test_a_permanent_error_fails_the_document_with_its_sentence(document: Document) -> None:
    @pipeline.step
    def break_it(document: Document, run: str) -> bool:
        raise PermanentError("The file is damaged.")

    with pytest.raises(Ignore):
        break_it(document.pk, document.run)
    document.refresh_from_db()
    assert (document.state, document.error) == (DocumentState.FAILED, "The file is damaged.")


def test_a_full_disk_fails_the_document_with_a_sentence(document: Document) -> None:
    @pipeline.step
    def fill_it(document: Document, run: str) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Ignore):
        fill_it(document.pk, document.run)
    document.refresh_from_db()
    assert document.state == DocumentState.FAILED
    assert document.error.startswith("There is no room left on the server's disk")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OperationalError("database is locked"), "The database could not be used"),
        (TransientError("The model is being fetched."), "The model is being fetched."),
        (redis.ConnectionError("refused"), "The task queue could not be reached"),
        (OSError(errno.EIO, "Input/output error"), "The file storage could not be used"),
    ],
)
def test_what_may_pass_is_tried_again_a_few_times(
    document: Document, error: Exception, sentence: str
) -> None:
    troubles[:] = [error]
    # Outside a worker, a retry raises what it was retried for.
    with pytest.raises(type(error)):
        try_it(document.pk, document.run)
    assert liveness.lost([document.run]) == set()
    document.refresh_from_db()
    assert document.state == DocumentState.QUEUED

    try_it.push_request(retries=pipeline.MAX_RETRIES)
    try:
        with pytest.raises(Ignore):
            try_it.run(document.pk, document.run)
    finally:
        try_it.pop_request()
    document.refresh_from_db()
    assert document.state == DocumentState.FAILED
    assert sentence in document.error


def test_a_hub_that_is_away_is_left_alone_until_it_is_asked_anew(
    document: Document, redis_url: str
) -> None:
    seen: list[str] = []

    @pipeline.step
    def fetch_it(document: Document, run: str) -> bool:
        document.refresh_from_db()
        seen.append(document.error)
        if len(seen) == 1:
            raise hub.HubAway("The hub cannot be reached.")
        return True

    with pytest.raises(hub.HubAway):
        fetch_it(document.pk, document.run)
    waits = redis.Redis.from_url(redis_url).ttl(f"pagewise:run:{document.run}")
    assert waits > hub.RETRY_SECONDS
    document.refresh_from_db()
    assert document.state == DocumentState.QUEUED
    assert document.error == "The hub cannot be reached. It is tried again in a few minutes."
    fetch_it(document.pk, document.run)
    assert seen == ["", ""]


def test_what_nobody_foresaw_fails_the_document_and_says_so(document: Document) -> None:
    @pipeline.step
    def stumble(document: Document, run: str) -> bool:
        raise KeyError("crop-3")

    stumble.apply((document.pk, document.run))
    document.refresh_from_db()
    assert document.state == DocumentState.FAILED
    assert "KeyError" in document.error


def test_nothing_is_left_of_a_document_that_was_deleted_meanwhile(document: Document) -> None:
    @pipeline.step
    def write(document: Document, run: str) -> bool:
        Document.objects.filter(pk=document.pk).delete()
        default_storage.save(f"{document.folder}/pages/00001.jpg", ContentFile(b"late"))
        pipeline.keep(document.pk, run, pages_done=1)
        return True

    with pytest.raises(Ignore):
        write(document.pk, document.run)
    assert list(files.files_under(document.folder)) == []


def test_a_turn_ends_when_others_wait(document: Document, monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "TURN_SECONDS", 0)
    turn = pipeline.Turn(document)
    assert not turn.is_over()
    other = another_document(document)
    liveness.mark_waiting(other.run)
    assert turn.is_over()
    liveness.clear(other.run)
    assert not turn.is_over()
    monkeypatch.setattr(pipeline, "LONGEST_TURN_SECONDS", 0)
    assert turn.is_over()


def test_a_turn_that_took_long_to_begin_lasts_longer(document: Document, monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr(pipeline.time, "monotonic", lambda: now)
    liveness.mark_waiting(another_document(document).run)
    turn = pipeline.Turn(document, starting=True)
    now = 50.0
    # A second process asks for a page, before the first one has finished its own.
    assert not turn.is_over()
    turn.begin()
    now = 50.0 + 99.0
    assert not turn.is_over()
    now = 50.0 + 101.0
    assert turn.is_over()


def test_progress_of_a_superseded_run_is_not_stored(document: Document) -> None:
    with pytest.raises(pipeline.Superseded):
        pipeline.keep(document.pk, "older", pages_done=1)
    document.refresh_from_db()
    assert document.pages_done == 0


def test_lost_documents_are_put_back(document: Document, sent_tasks) -> None:
    lost_run = document.run
    assert pipeline.put_back_lost() == 1
    document.refresh_from_db()
    assert sent_tasks == [(document.pk, document.run)]
    assert document.run != lost_run


def test_a_document_that_only_waited_may_be_lost_any_number_of_times(
    document: Document, sent_tasks
) -> None:
    Document.objects.update(attempts=pipeline.MAX_ATTEMPTS)
    pipeline.put_back_lost()
    document.refresh_from_db()
    assert document.state == DocumentState.QUEUED
    assert len(sent_tasks) == 1


def test_waiting_documents_are_left_alone(document: Document, sent_tasks) -> None:
    liveness.mark_waiting(document.run)
    assert pipeline.put_back_lost() == 0
    assert sent_tasks == []


def test_a_document_that_keeps_killing_its_worker_fails(document: Document, sent_tasks) -> None:
    Document.objects.update(attempts=pipeline.MAX_ATTEMPTS, state=DocumentState.PARSING)
    pipeline.put_back_lost()
    document.refresh_from_db()
    assert document.state == DocumentState.FAILED
    assert "worker died" in document.error
    assert sent_tasks == []
