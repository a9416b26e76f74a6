"""Listen to ingestion: whatever changes what is searched is recorded, then indexed."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from ingestion.models import Document
from ingestion.signals import document_deleting, document_published, document_renamed
from retrieval import background, changes
from retrieval.receipts import IndexWitness


@receiver(document_published, dispatch_uid="retrieval.document_published")
@receiver(document_renamed, dispatch_uid="retrieval.document_renamed")
@receiver(post_delete, sender=Document, dispatch_uid="retrieval.document_deleted")
def record_change(sender: type[Document], **kwargs: Any) -> None:
    """Record the change in its own transaction, and let the workers catch up after it."""
    document = kwargs.get("document") or kwargs["instance"]
    changes.record(document.pk)
    transaction.on_commit(lambda: background.request("refresh_indexes"), robust=True)


@receiver(document_deleting, dispatch_uid="retrieval.document_deleting")
def bear_witness(sender: type[Document], document: Document, **_: Any) -> IndexWitness:
    return IndexWitness(document)
