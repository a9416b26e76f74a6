"""The Celery application; tasks live in the apps' tasks.py."""

import os
import threading
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.signals import (
    heartbeat_sent,
    setup_logging,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)
from redis import RedisError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rag_site.settings")

app = Celery("pagewise")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_django_logging(**_: object) -> None:
    """Leave logging as Django configured it."""


@worker_ready.connect
def _report_ready(sender: Any, **_: object) -> None:
    _report_alive(sender.hostname)


@heartbeat_sent.connect
def _report_beat(sender: Any, **_: object) -> None:
    _report_alive(sender.eventer.hostname)


def _report_alive(name: str) -> None:
    from rag_site import health

    health.report_worker_alive(name)


@worker_shutting_down.connect
def _report_gone(sender: str, **_: object) -> None:
    from rag_site import health

    with suppress(RedisError):
        health.report_worker_gone(sender)


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    from retrieval.warmup import warm_embedders

    # While the first document is parsed, the models that embed it are loaded.
    threading.Thread(target=warm_embedders, name="warm-up", daemon=True).start()


@worker_ready.connect
def _take_up_unfinished_work(**_: object) -> None:
    # What the last worker left in the middle goes on at once, not at the next beat.
    app.send_task("ingestion.tasks.put_back_stuck_documents")
