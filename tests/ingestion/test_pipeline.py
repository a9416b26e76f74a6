"""Steps run for the current run alone, and lost documents go on by themselves."""

from __future__ import annotations

import uuid

import pytest
from celery.exceptions import Ignore
from django.contrib.auth import get_user_model

from ingestion import liveness, pipeline
from ingestion.collections import default_for
from ingestion.errors import PermanentError
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


def test_a_permanent_error_fails_the_document_with_its_sentence(document: Document) -> None:
    @pipeline.step
    def break_it(document: Document, run: str) -> bool:
        raise PermanentError("The file is damaged.")

    with pytest.raises(Ignore):
        break_it(document.pk, document.run)
    document.refresh_from_db()
    assert (document.state, document.error) == (DocumentState.FAILED, "The file is damaged.")


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


def test_waiting_documents_are_left_alone(document: Document, sent_tasks) -> None:
    liveness.mark_waiting(document.run)
    assert pipeline.put_back_lost() == 0
    assert sent_tasks == []


def test_a_document_that_keeps_killing_its_worker_fails(document: Document, sent_tasks) -> None:
    Document.objects.update(attempts=pipeline.MAX_ATTEMPTS)
    pipeline.put_back_lost()
    document.refresh_from_db()
    assert document.state == DocumentState.FAILED
    assert "worker died" in document.error
    assert sent_tasks == []
