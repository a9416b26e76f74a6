"""Tell webhooks of events: note each delivery with the event, send it, try again later."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from ingestion.errors import PermanentError
from rag_site.webhooks import sending
from rag_site.webhooks.models import Delivery, DeliveryState, Event, Webhook

logger = logging.getLogger(__name__)

TASK = "rag_site.webhooks.tasks.deliver"
# After each failed attempt; the one after the last is final.
PAUSES = [timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200)]
MOST_ATTEMPTS = len(PAUSES) + 1
# Nobody else takes a delivery that is being sent.
IN_HAND = timedelta(minutes=2)
KEPT = timedelta(days=7)
AT_ONCE = 200


def tell(webhooks: Iterable[Webhook], event: str, data: dict[str, Any]) -> list[Delivery]:
    """Note the event for each webhook in this transaction; it is sent when that commits."""
    made = []
    for webhook in webhooks:
        delivery = Delivery(webhook=webhook, event=event)
        body = {
            "id": str(delivery.uuid),
            "event": event,
            "created_at": timezone.now().isoformat(),
            "data": data,
        }
        delivery.body = json.dumps(body)
        delivery.save()
        made.append(delivery)
    if made:
        transaction.on_commit(lambda: _send_soon(made), robust=True)
    return made


def ping(webhook: Webhook) -> Delivery:
    """Send an event of no meaning, to try the address."""
    return tell([webhook], Event.PING, {})[0]


def send_again(delivery: Delivery) -> None:
    """Let a delivery be sent now, with all its attempts before it.

    Raises PermanentError while its webhook pauses: it would only wait.
    """
    if not delivery.goes_out:
        raise PermanentError("The webhook pauses: let it go on first.")
    rows = Delivery.objects.filter(pk=delivery.pk)
    rows.update(state=DeliveryState.WAITING, attempts=0, next_at=timezone.now())
    transaction.on_commit(lambda: _send_soon([delivery]), robust=True)


def _send_soon(made: list[Delivery]) -> None:
    try:
        for delivery in made:
            current_app.send_task(TASK, args=(delivery.pk,))
    except (RedisError, BrokerError) as exc:
        # They are sent when the next look finds them due.
        logger.warning("Webhooks wait: the task queue cannot be reached (%s).", exc)


def deliver(delivery_id: int) -> None:
    """Send one delivery that is due, unless somebody else does."""
    delivery = _taken(delivery_id)
    if delivery is None:
        return
    if delivery.attempts > MOST_ATTEMPTS:
        delivery.state, delivery.attempts = DeliveryState.FAILED, MOST_ATTEMPTS
        delivery.note = "Every attempt broke off."
        delivery.save()
        return
    try:
        delivery.status_code = _post(delivery)
        delivery.state, delivery.note = DeliveryState.DELIVERED, ""
    except sending.AddressRefused as exc:
        delivery.state, delivery.note = DeliveryState.FAILED, str(exc)[:300]
    except sending.NotSent as exc:
        delivery.status_code, delivery.note = exc.status, str(exc)[:300]
        if delivery.attempts == MOST_ATTEMPTS:
            delivery.state = DeliveryState.FAILED
        else:
            delivery.next_at = timezone.now() + PAUSES[delivery.attempts - 1]
    delivery.save()


def _taken(delivery_id: int) -> Delivery | None:
    """Take what is due; the attempt counts from here, for its process may end with it."""
    now = timezone.now()
    if not Delivery.objects.due(now).filter(pk=delivery_id).exists():
        return None
    # Of its own columns alone: they are looked at again when two take it at once.
    mine = Delivery.objects.filter(pk=delivery_id, state=DeliveryState.WAITING, next_at__lte=now)
    if not mine.update(next_at=now + IN_HAND, attempts=F("attempts") + 1):
        return None
    return Delivery.objects.select_related("webhook").get(pk=delivery_id)


def _post(delivery: Delivery) -> int:
    body = delivery.body.encode()
    sign = sending.signature(delivery.webhook.secret, body, int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Pagewise",
        "X-Pagewise-Event": delivery.event,
        "X-Pagewise-Delivery": str(delivery.uuid),
        "X-Pagewise-Signature": sign,
    }
    private = settings.WEBHOOK_PRIVATE_ADDRESSES
    return sending.post(delivery.webhook.url, body, headers, allow_private=private)


def deliver_due() -> int:
    """Send what is due, forget what is old; return how many were due."""
    now = timezone.now()
    old = Delivery.objects.filter(created_at__lt=now - KEPT)
    # What waits for a webhook that pauses is no news after so long.
    old.exclude(state=DeliveryState.WAITING, webhook__is_active=True).delete()
    found = list(Delivery.objects.due(now).order_by("pk")[:AT_ONCE])
    _send_soon(found)
    return len(found)
