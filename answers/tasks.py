"""Celery doorways of answers."""

from __future__ import annotations

from celery import shared_task

from answers import conversations


@shared_task
def forget_single_questions() -> int:
    """Delete what programs asked without keeping it, a day later; return how many."""
    return conversations.forget_unlisted()
