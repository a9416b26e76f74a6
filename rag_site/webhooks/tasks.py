"""Celery doorways of the webhooks."""

from __future__ import annotations

from celery import shared_task

from rag_site.webhooks import deliveries


# The time limit is for a name that is not resolved; the rest has its own.
@shared_task(time_limit=60)
def deliver(delivery_id: int) -> None:
    deliveries.deliver(delivery_id)


@shared_task
def deliver_due() -> None:
    deliveries.deliver_due()
