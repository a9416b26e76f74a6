"""Webhooks of a person: add and list them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from ingestion.errors import PermanentError
from rag_site.webhooks import sending
from rag_site.webhooks.models import Delivery, Event, Webhook

MAX_WEBHOOKS = 20
# What can be asked for; a ping is sent on demand.
EVENTS = [event for event in Event if event != Event.PING]
DELIVERIES_SHOWN = 50


class TooMany(PermanentError):
    code = "too_many_webhooks"


def of(owner: Any) -> QuerySet[Webhook]:
    """The person's webhooks, each with how its last delivery went in `last_state`."""
    last = Delivery.objects.filter(webhook=OuterRef("pk")).order_by("-pk").values("state")
    return Webhook.objects.filter(owner=owner).annotate(last_state=Subquery(last[:1]))


def check_url(url: str) -> None:
    """Raise sending.AddressRefused for what nothing would be sent to, as far as it shows."""
    parts = sending.checked_url(url)
    if not settings.WEBHOOK_PRIVATE_ADDRESSES:
        sending.refuse_private(parts)


def add(owner: Any, *, url: str, events: Iterable[str], is_active: bool = True) -> Webhook:
    """Add an address; its secret is to be shown now, and never again.

    Raises TooMany, and sending.AddressRefused as `check_url` does.
    """
    check_url(url)
    if Webhook.objects.filter(owner=owner).count() >= MAX_WEBHOOKS:
        raise TooMany(f"You have {MAX_WEBHOOKS} webhooks: delete one that is not used any more.")
    return Webhook.objects.create(
        owner=owner, url=url, events=list(dict.fromkeys(events)), is_active=is_active
    )
