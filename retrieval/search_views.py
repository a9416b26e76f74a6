"""The search page: ranked passages, tables and figures, each with its place."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from ingestion.errors import PermanentError, TransientError
from retrieval import finding
from retrieval.search_form import KIND_LABELS, SearchForm


@require_safe
@login_required
@vary_on_headers("HX-Request")
def find(request: HttpRequest) -> HttpResponse:
    """Show the hits of a query; a script gets them without the page around."""
    form = SearchForm(request.GET, user=request.user)
    context: dict[str, Any] = {"form": form, "kinds": KIND_LABELS, "query": request.GET}
    if form.is_valid():
        context |= _answer(form, request.user)
    is_part = request.headers.get("HX-Request") and not request.headers.get("HX-Boosted")
    return render(request, "retrieval/_found.html" if is_part else "retrieval/search.html", context)


def _answer(form: SearchForm, user: Any) -> dict[str, Any]:
    wanted = form.wanted()
    context: dict[str, Any] = {"wanted": wanted}
    if wanted.is_empty:
        return context
    try:
        return context | {"answer": finding.find(user, wanted)}
    except (PermanentError, TransientError) as exc:
        return context | {"problem": str(exc)}
