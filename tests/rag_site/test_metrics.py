"""What Prometheus reads, and the ids that log lines carry."""

from __future__ import annotations

import json
import logging
import queue
import uuid

import pytest
import redis
from django.contrib.auth import get_user_model
from django_guid import clear_guid, get_guid, set_guid
from prometheus_client.parser import text_string_to_metric_families

from answers import pool
from answers.models import Message
from answers.signals import answered
from ingestion import pipeline
from ingestion.models import Page, PageState
from ingestion.signals import page_finished
from rag_site import health, metrics
from rag_site.accounts import tokens
from rag_site.celery import app
from retrieval.signals import searched

pytestmark = pytest.mark.django_db


def read(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def values() -> dict[tuple[str, ...], float]:
    return read(metrics.exposition().decode())


@pytest.fixture
def boss():
    return get_user_model().objects.create_superuser("boss")


def test_only_administrators_read_them(client, boss, redis_cache) -> None:
    assert client.get("/metrics").status_code == 401
    _, small = tokens.issue(boss, name="small", scope="write")
    _, large = tokens.issue(boss, name="large", scope="admin")
    person = get_user_model().objects.create_user("ann")
    _, theirs = tokens.issue(person, name="theirs", scope="write")
    for secret, status in ((small, 403), (theirs, 403), (large, 200)):
        response = client.get("/metrics", headers={"Authorization": f"Bearer {secret}"})
        assert response.status_code == status
    assert ("pagewise_documents", "ready") in read(response.content.decode())


def test_requests_are_counted_by_route(client, boss) -> None:
    client.force_login(boss)
    counted = ("pagewise_requests_total", "GET", "account/", "200")
    before = values().get(counted, 0)
    client.get("/account/")
    assert values()[counted] == before + 1


def test_a_made_up_method_makes_no_series_of_its_own(client) -> None:
    counted = ("pagewise_requests_total", "OTHER", "login/", "405")
    before = values().get(counted, 0)
    client.generic("BREW", "/login/")
    assert values()[counted] == before + 1
    assert not any("BREW" in key for key in values())


def test_answers_and_their_tokens_are_counted(redis_url) -> None:
    before = values()
    answer = Message(state="done", timings={"total": 2.0}, usage={"prompt_tokens": 7})
    answered.send(sender=Message, answer=answer)
    after = values()
    for key, more in (
        (("pagewise_answers_total", "done"), 1),
        (("pagewise_reader_tokens_total", "prompt_tokens"), 7),
        (("pagewise_answer_seconds_sum", "total"), 2),
    ):
        assert after[key] - before.get(key, 0) == more


def test_the_queue_is_counted_over_all_priorities(redis_url) -> None:
    client = redis.Redis.from_url(redis_url)
    before = health.queue_length()
    task = "nobody.listens"
    try:
        for priority in (0, 3, 9):
            app.send_task(task, priority=priority)
        assert health.queue_length() == before + 3
    finally:
        for name in client.scan_iter("celery*"):
            if client.type(name) == b"list":
                for entry in client.lrange(name, 0, -1):
                    if task.encode() in entry:
                        client.lrem(name, 0, entry)


def test_a_request_has_an_id_that_its_log_lines_carry(client, boss, settings) -> None:
    given = "0123456789abcdef0123456789abcdef"
    response = client.get("/account/", headers={"X-Request-ID": given})
    assert response["X-Request-ID"] == given
    nonsense = client.get("/account/", headers={"X-Request-ID": "a\nb"})
    assert len(nonsense["X-Request-ID"]) == 32


def test_a_requests_id_goes_into_the_workers_with_the_document(redis_url) -> None:
    given, run = "0123456789abcdef0123456789abcdef", "run-of-the-id-test"
    client = redis.Redis.from_url(redis_url)
    set_guid(given)
    try:
        pipeline._send(1, run)
    finally:
        clear_guid()
    lists = [name for name in client.scan_iter("parsing*") if client.type(name) == b"list"]
    sent = [(name, entry) for name in lists for entry in client.lrange(name, 0, -1)]
    mine = [
        (name, entry) for name, entry in sent if run in json.loads(entry)["headers"]["argsrepr"]
    ]
    for name, entry in mine:
        client.lrem(name, 0, entry)
    assert [json.loads(entry)["headers"]["X-Request-ID"] for _, entry in mine] == [given]


def test_an_answers_thread_has_the_id_of_the_request_that_asked(redis_url) -> None:
    given, seen = "0123456789abcdef0123456789abcdef", queue.Queue[str | None]()
    set_guid(given)
    try:
        pool.start(uuid.uuid4(), lambda: seen.put(get_guid()), owner=1)
    finally:
        clear_guid()
    assert seen.get(timeout=20) == given


def test_json_lines_can_be_read_by_programs(settings) -> None:
    formatter = logging.config.DictConfigurator(settings.LOGGING).configure_formatter(
        {**settings.LOGGING["formatters"]["json"]}
    )
    record = logging.LogRecord("x", logging.INFO, "f", 1, "Said %s", ("it",), None)
    record.correlation_id = "abc"
    line = json.loads(formatter.format(record))
    assert (line["message"], line["request_id"], line["level"]) == ("Said it", "abc", "INFO")


def test_searches_are_counted_by_where_their_answer_came_from(redis_url) -> None:
    before = values()
    for is_cached in (True, False, False):
        searched.send(sender=None, timings={"total": 0.1}, is_cached=is_cached)
    after = values()
    for source, more in (("cache", 1), ("index", 2)):
        key = ("pagewise_searches_total", source)
        assert after[key] - before.get(key, 0) == more


def test_pages_that_workers_finish_are_counted_for_all_of_them(redis_url) -> None:
    key = ("pagewise_ingested_pages_total", "done")
    before = values()[key]
    page_finished.send(sender=Page, state=PageState.DONE)
    assert values()[key] == before + 1


def test_answers_in_hand_and_in_line_are_shown(redis_url) -> None:
    with pool.slots().taken("ada"):
        assert values()[("pagewise_answers_working",)] == 1
    assert values()[("pagewise_answers_working",)] == values()[("pagewise_answers_waiting",)] == 0
