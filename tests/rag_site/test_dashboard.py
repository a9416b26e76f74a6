"""The dashboard: for staff only, what it tells, and what can be done from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis
from celery import current_app
from celery.exceptions import Retry
from django.contrib.auth import get_user_model

from ingestion import documents, liveness
from ingestion.collections import default_for
from ingestion.models import Document, DocumentState
from rag_site import cache_use, dashboard, doctor, health, operations, tasks
from retrieval import spaces, status
from retrieval.models import SpaceVersion, SpaceVersionState
from tests.ingestion.ready_document import make_document
from tests.retrieval.conftest import (  # noqa: F401  (fixtures)
    asked,
    fruit_spaces,
    library,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_cache")]
PATHS = ("/dashboard/", "/dashboard/live/", "/dashboard/do/retry/", "/dashboard/do/repair/")


@pytest.fixture
def boss():
    return get_user_model().objects.create_superuser("boss")


@pytest.fixture
def asked_of_workers(monkeypatch) -> list[tuple]:
    sent: list[tuple] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, args=(), **_: sent.append((name, *args))
    )
    return sent


@pytest.mark.parametrize("path", PATHS)
def test_it_is_for_staff_only(client, path) -> None:
    assert client.get(path).status_code == 302
    client.force_login(get_user_model().objects.create_user("ann"))
    assert client.get(path).status_code == 403
    assert client.post(path).status_code in (403, 405)


def test_it_tells_what_failed_and_how_much_there_is(client, boss, settings, redis_url) -> None:
    collection = default_for(boss)
    make_document(collection, title="Good")
    bad = make_document(collection, title="Bad", state=DocumentState.FAILED)
    Document.objects.filter(pk=bad.pk).update(error="Page 3 is unreadable.")
    client.force_login(boss)
    text = client.get("/dashboard/").content.decode()
    assert "Page 3 is unreadable." in text
    assert 'id="live"' in client.get("/dashboard/live/").content.decode()
    now = dashboard.gather(boss)
    assert (now.library.documents, now.library.states["failed"]) == (2, 1)
    assert now.library.pages == 4


def test_staff_see_no_titles_that_they_may_not_read(client, boss) -> None:
    make_document(default_for(boss), title="Salaries", state=DocumentState.FAILED)
    client.force_login(get_user_model().objects.create_user("ann", is_staff=True))
    assert "Salaries" not in client.get("/dashboard/").content.decode()


def test_workers_are_told_by_name_and_forgotten_when_they_end(redis_url) -> None:
    redis.Redis.from_url(redis_url).delete(health.WORKERS_KEY)
    health.report_worker_alive("one@here")
    health.report_worker_alive("two@there")
    assert set(health.workers()) == {"one@here", "two@there"}
    health.report_worker_gone("one@here")
    assert set(health.workers()) == {"two@there"}
    redis.Redis.from_url(redis_url).zadd(health.WORKERS_KEY, {"two@there": 1.0})
    assert health.worker_seen_at() is None


def test_an_index_that_is_replaced_meanwhile_is_measured_without_it(settings, monkeypatch) -> None:
    settings.INDEX_DIR.mkdir()
    for name in ("kept", "replaced"):
        (settings.INDEX_DIR / name).write_bytes(b"12345")
    walk = os.walk

    def walk_then_replace(top: Path) -> list:
        found = list(walk(top))
        (settings.INDEX_DIR / "replaced").unlink()
        return found

    monkeypatch.setattr(os, "walk", walk_then_replace)
    assert dashboard._disk().index == 5


@pytest.mark.parametrize("path", ["/status/", "/dashboard/"])
def test_where_a_models_weights_come_from_is_told_alike(client, boss, monkeypatch, path) -> None:
    remote = status.ModelState(
        name="text", purpose="vectors of text", model="far", required=True, available=True,
        source="remote",
    )  # fmt: skip
    monkeypatch.setattr(status, "model_states", lambda: [remote])
    client.force_login(boss)
    assert "weights from a remote endpoint" in client.get(path).content.decode()


def test_an_operation_is_confirmed_done_and_followed(
    client, boss, sent_tasks, asked_of_workers
) -> None:
    collection = default_for(boss)
    failed = make_document(collection, title="Bad", state=DocumentState.FAILED)
    cancelled = make_document(collection, title="Left", state=DocumentState.CANCELLED)
    ready = make_document(collection, title="Good")
    client.force_login(boss)
    question = client.get("/dashboard/do/retry/", headers={"HX-Request": "true"})
    assert "2 documents in all collections" in question.content.decode()
    assert sent_tasks == []
    assert client.post("/dashboard/do/retry/").status_code == 302
    ((name, number),) = asked_of_workers
    assert name == operations.TASK
    assert [operation.state for operation in operations.recent()] == ["waiting"]
    operations.run(number)
    assert [document for document, _ in sent_tasks] == [failed.pk, cancelled.pk]
    (operation,) = operations.recent()
    assert (operation.state, operation.done, operation.total) == ("done", 2, 2)
    ready.refresh_from_db()
    assert ready.state == DocumentState.READY
    operations.run(number)
    assert len(sent_tasks) == 2


def test_a_document_that_somebody_else_began_meanwhile_ends_no_operation(
    boss, sent_tasks, asked_of_workers, monkeypatch
) -> None:
    collection = default_for(boss)
    begun = make_document(collection, title="Begun", state=DocumentState.FAILED)
    failed = make_document(collection, title="Failed", state=DocumentState.FAILED)
    lock = documents._lock

    def begun_just_before(document: Document) -> Document | None:
        Document.objects.filter(pk=begun.pk).update(state=DocumentState.READY)
        return lock(document)

    monkeypatch.setattr(documents, "_lock", begun_just_before)
    operations.run(operations.begin("retry", boss).id)
    assert [operation.state for operation in operations.recent()] == ["done"]
    assert [document for document, _ in sent_tasks] == [failed.pk]


def test_an_operation_that_is_delivered_twice_is_done_once(
    boss, asked_of_workers, monkeypatch
) -> None:
    operation = operations.begin("repair", boss)

    def delivered_again() -> list:
        with pytest.raises(liveness.Held):
            operations.run(operation.id)
        assert [found.state for found in operations.recent()] == ["running"]
        return []

    monkeypatch.setattr(doctor, "repair", delivered_again)
    operations.run(operation.id)
    assert [found.state for found in operations.recent()] == ["done"]


def test_an_operation_in_other_hands_is_looked_at_again(monkeypatch) -> None:
    def held(operation_id: str) -> None:
        raise liveness.Held(operation_id)

    monkeypatch.setattr(operations, "run", held)
    with pytest.raises(Retry) as told:
        tasks.run_operation.apply(args=("x",), throw=True)
    assert told.value.when == 60


def test_an_operation_keeps_to_the_collection_and_to_what_one_may_edit(
    boss, sent_tasks, asked_of_workers
) -> None:
    other = get_user_model().objects.create_user("ann", is_staff=True)
    make_document(default_for(boss), title="Bad", state=DocumentState.FAILED)
    theirs = make_document(default_for(other), title="Worse", state=DocumentState.FAILED)
    assert set(operations.affected("retry", other)) == {theirs}
    operations.run(operations.begin("retry", other).id)
    assert [document for document, _ in sent_tasks] == [theirs.pk]
    found = operations.affected("retry", boss, collection=default_for(boss).pk)
    assert [document.title for document in found] == ["Bad"]


def test_the_doctor_runs_in_a_worker_and_shows_what_it_found(
    client,
    boss,
    library,  # noqa: F811
    asked_of_workers,
) -> None:
    library.document("apple")
    SpaceVersion.objects.get(space="text").embeddings.all().delete()
    operations.run(operations.begin("examine", boss).id)
    (operation,) = operations.recent()
    assert "missing_vectors" in {finding.code for finding in operation.findings}
    client.force_login(boss)
    assert "published passages have no vector" in client.get("/dashboard/").content.decode()


def test_it_tells_what_the_cache_spares(client, boss, redis_url) -> None:
    client.force_login(boss)
    assert "No search today" in client.get("/dashboard/live/").content.decode()
    for is_cached in (False, True, True, True):
        cache_use.count(is_cached=is_cached)
    text = client.get("/dashboard/live/").content.decode()
    assert "75&nbsp;%" in text
    assert "3 of 4 answered from it" in text


def test_a_queue_that_is_away_is_said(client, boss, settings, monkeypatch) -> None:
    client.force_login(boss)

    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(current_app, "send_task", away)
    text = client.post("/dashboard/do/examine/", follow=True).content.decode()
    assert "The task queue does not answer." in text


def test_versions_are_begun_searched_and_rolled_back(
    client,
    boss,
    library,  # noqa: F811
    asked,  # noqa: F811
    settings,
) -> None:
    library.document("apple")
    client.force_login(boss)
    live = SpaceVersion.objects.live().get(space="text")
    settings.SPACES["text"]["model"] = "fruit-2"
    assert (
        "Begin a new version" in client.get(f"/dashboard/spaces/{live.pk}/begin/").content.decode()
    )
    client.post(f"/dashboard/spaces/{live.pk}/begin/")
    newer = SpaceVersion.objects.get(space="text", state=SpaceVersionState.BUILDING)
    assert ("build_space_version", newer.pk) in asked
    spaces.build_version(newer)
    newer.refresh_from_db()
    assert newer.state == SpaceVersionState.LIVE
    back = f"/dashboard/spaces/{newer.pk}/roll-back/"
    assert "go back to text v1 (fruit-1), at once" in client.get(back).content.decode()
    assert back in client.get("/dashboard/live/").content.decode()
    client.post(back)
    live.refresh_from_db()
    assert live.state == SpaceVersionState.LIVE
    again = f"/dashboard/spaces/{live.pk}/roll-back/"
    assert again not in client.get("/dashboard/live/").content.decode()
    assert "no version before 1" in client.get(again, follow=True).content.decode()
    before = newer.uuid
    client.post(f"/dashboard/spaces/{newer.pk}/activate/")
    newer.refresh_from_db()
    assert newer.state == SpaceVersionState.LIVE
    assert newer.uuid != before
    assert (
        "is live by now"
        in client.post(f"/dashboard/spaces/{newer.pk}/activate/", follow=True).content.decode()
    )
    client.post(f"/dashboard/spaces/{newer.pk}/rebuild/")
    assert ("rebuild_index", newer.pk) in asked
