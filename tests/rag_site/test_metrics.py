"""What Prometheus reads, and the ids that log lines carry."""

from __future__ import annotations

import json
import logging

import pytest
import redis
from django.contrib.auth import get_user_model
from prometheus_client.parser import text_string_to_metric_families

from answers.models import Message
from answers.signals import answered
from rag_site import health, metrics
from rag_site.accounts import tokens
from rag_site.celery import app

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


def test_json_lines_can_be_read_by_programs(settings) -> None:
    formatter = logging.config.DictConfigurator(settings.LOGGING).configure_formatter(
        {**settings.LOGGING["formatters"]["json"]}
    )
    record = logging.LogRecord("x", logging.INFO, "f", 1, "Said %s", ("it",), None)
    record.correlation_id = "abc"
    line = json.loads(formatter.format(record))
    assert (line["message"], line["request_id"], line["level"]) == ("Said it", "abc", "INFO")
