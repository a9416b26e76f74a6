"""Celery doorways of the site."""

from __future__ import annotations

from celery import shared_task

from rag_site import operations


@shared_task
def run_operation(operation_id: str) -> None:
    operations.run(operation_id)
