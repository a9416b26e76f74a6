"""The Celery application; tasks live in the apps' tasks.py."""

import os
import threading

from celery import Celery
from celery.signals import heartbeat_sent, setup_logging, worker_process_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rag_site.settings")

app = Celery("pagewise")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_django_logging(**_: object) -> None:
    """Leave logging as Django configured it."""


@heartbeat_sent.connect
@worker_ready.connect
def _report_alive(**_: object) -> None:
    from rag_site import health

    health.report_worker_alive()


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    from retrieval.warmup import warm_embedders

    # While the first document is parsed, the models that embed it are loaded.
    threading.Thread(target=warm_embedders, name="warm-up", daemon=True).start()


@worker_ready.connect
def _take_up_unfinished_work(**_: object) -> None:
    # What the last worker left in the middle goes on at once, not at the next beat.
    app.send_task("ingestion.tasks.put_back_stuck_documents")
