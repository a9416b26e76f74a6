"""The start page, the status page and the health endpoints."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.views import APIView

from rag_site import health, metrics
from rag_site.accounts.scopes import TokenScope
from retrieval import spaces, status


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return redirect("answers:chat")


@require_safe
@login_required
def status_page(request: HttpRequest) -> HttpResponse:
    context = {
        "services": health.services(),
        "models": status.model_states(),
        "spaces": spaces.describe(),
    }
    return render(request, "rag_site/status.html", context)


class MetricsView(APIView):
    """For Prometheus, with an administrator's token."""

    permission_classes = [IsAdminUser, TokenScope]
    required_scope = "admin"

    @extend_schema(exclude=True, responses=OpenApiTypes.STR)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(metrics.exposition(), content_type="text/plain; version=0.0.4")


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Say what works; 503 when something essential does not."""
    checks = health.services()
    models = [asdict(state) for state in status.model_states()]
    if not all(check.ok for check in checks if check.essential):
        verdict = "down"
    elif all(check.ok for check in checks) and all(model["available"] for model in models):
        verdict = "ok"
    else:
        verdict = "degraded"
    body = {
        "status": verdict,
        "services": [asdict(check) for check in checks],
        "models": models,
    }
    return JsonResponse(body, status=503 if verdict == "down" else 200)
