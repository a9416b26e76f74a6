"""Celery doorways of the site."""

from __future__ import annotations

from celery import shared_task

from ingestion import liveness
from rag_site import operations


# Should the process that does it die, its second delivery goes on.
@shared_task(autoretry_for=(liveness.Held,), default_retry_delay=60, max_retries=None)
def run_operation(operation_id: str) -> None:
    operations.run(operation_id)
