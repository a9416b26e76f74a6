"""Which queue each task waits in, and that no queue is forgotten by who counts them."""

from __future__ import annotations

import pytest
from django.conf import settings

from rag_site.celery import app


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("ingestion.tasks.parse_document", "parsing"),
        ("retrieval.tasks.embed_document", "embedding"),
        ("ingestion.tasks.publish_document", "celery"),
        ("rag_site.webhooks.tasks.deliver", "celery"),
    ],
)
def test_a_task_waits_in_its_queue(task, queue) -> None:
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_a_worker_takes_every_queue_unless_told_otherwise() -> None:
    assert set(app.amqp.queues.consume_from) == set(settings.QUEUES)
