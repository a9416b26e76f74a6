"""Celery doorways of ingestion."""

from __future__ import annotations

from celery import shared_task

from ingestion import documents, pages, pipeline, uploads
from ingestion.models import Document


@pipeline.step
def parse_document(document: Document, run: str) -> bool:
    return pages.parse(document, run)


@pipeline.step
def publish_document(document: Document, run: str) -> bool:
    documents.publish(document, run)
    return True


@shared_task
def put_back_stuck_documents() -> None:
    pipeline.put_back_lost()


@shared_task
def forget_expired_uploads() -> None:
    uploads.forget_expired()
