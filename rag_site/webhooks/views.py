"""The pages of your webhooks: list, add, try, look at what was sent, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ingestion.errors import PermanentError
from rag_site.webhooks import deliveries, hooks
from rag_site.webhooks.forms import WebhookForm
from rag_site.webhooks.models import DeliveryState, Webhook


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """Show the webhooks; a POST adds one and shows its secret, once."""
    form = WebhookForm(request.POST or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            context["made"] = hooks.add(request.user, **form.cleaned_data)
            form = WebhookForm()
        except hooks.TooMany as exc:
            form.add_error(None, str(exc))
    context |= {"form": form, "webhooks": hooks.of(request.user), "events": hooks.EVENTS}
    return render(request, "webhooks/webhooks.html", context)


@require_safe
@login_required
def webhook(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One webhook and what was sent to it last."""
    found = _own(request, uuid)
    sent = list(found.deliveries.all()[: hooks.DELIVERIES_SHOWN])
    waits = any(one.state == DeliveryState.WAITING and one.goes_out for one in sent)
    is_part = bool(request.headers.get("HX-Request"))
    template = "webhooks/_deliveries.html" if is_part else "webhooks/webhook.html"
    return render(request, template, {"webhook": found, "deliveries": sent, "waits": waits})


@require_POST
@login_required
def ping(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Try the address."""
    deliveries.ping(_own(request, uuid))
    messages.success(request, "A test event is on its way.")
    return redirect("webhooks:webhook", uuid)


@require_POST
@login_required
def again(request: HttpRequest, uuid: UUID, delivery: UUID) -> HttpResponse:
    """Send a delivery that failed or waits once more, now."""
    found = get_object_or_404(_own(request, uuid).deliveries, uuid=delivery)
    try:
        deliveries.send_again(found)
        messages.success(request, "It is being sent again.")
    except PermanentError as exc:
        messages.error(request, str(exc))
    return redirect("webhooks:webhook", uuid)


@require_POST
@login_required
def switch(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Pause the webhook, or let it go on."""
    found = _own(request, uuid)
    Webhook.objects.filter(pk=found.pk).update(is_active=not found.is_active)
    return redirect("webhooks:webhook", uuid)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Ask first (GET), then delete (POST)."""
    found = _own(request, uuid)
    if request.method == "POST":
        found.delete()
        messages.success(request, "The webhook was deleted.")
        return redirect("webhooks:webhooks")
    is_part = bool(request.headers.get("HX-Request"))
    template = "webhooks/_delete.html" if is_part else "webhooks/delete.html"
    return render(request, template, {"webhook": found})


def _own(request: HttpRequest, uuid: UUID) -> Webhook:
    return get_object_or_404(Webhook, owner=request.user, uuid=uuid)
