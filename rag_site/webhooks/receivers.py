"""Listen for what webhooks are told."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from ingestion.models import Collection, Document
from ingestion.signals import document_failed, document_published
from rag_site.webhooks import deliveries
from rag_site.webhooks.models import Event, Webhook
from retrieval.models import SpaceVersion
from retrieval.signals import version_switched


@receiver(document_published, dispatch_uid="webhooks.ready")
def _ready(document: Document, **_: Any) -> None:
    _tell(Event.DOCUMENT_READY, document)


@receiver(document_failed, dispatch_uid="webhooks.failed")
def _failed(document: Document, **_: Any) -> None:
    _tell(Event.DOCUMENT_FAILED, document, error=document.error)


@receiver(pre_delete, sender=Document, dispatch_uid="webhooks.deleted")
def _deleted(instance: Document, **_: Any) -> None:
    _tell(Event.DOCUMENT_DELETED, instance)


@receiver(version_switched, dispatch_uid="webhooks.switched")
def _switched(version: SpaceVersion, **_: Any) -> None:
    data = {"space": version.space, "version": version.number, "model": version.model}
    deliveries.tell(_listening(Event.INDEX_SWITCHED), Event.INDEX_SWITCHED, data)


def _tell(event: Event, document: Document, **more: Any) -> None:
    found = _listening(event)
    if not found:
        return
    collection = Collection.objects.filter(pk=document.collection_id)
    readers = [one for one in found if collection.visible_to(one.owner).exists()]
    data = {
        "id": str(document.uuid),
        "title": document.title,
        "collection": document.collection_id,
        **more,
    }
    deliveries.tell(readers, event, data)


def _listening(event: Event) -> list[Webhook]:
    active = Webhook.objects.filter(is_active=True, owner__is_active=True, events__has_item=event)
    return list(active.select_related("owner"))
