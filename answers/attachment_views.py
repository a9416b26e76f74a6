"""Pictures and places that questions carry: shown, and chosen."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from answers import attachments, regions
from answers.requests import HtmxRequest
from ingestion import file_responses
from ingestion.errors import PermanentError
from ingestion.models import Document, Page


@require_safe
@login_required
def image(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Show what a question of one's own carries."""
    found = attachments.find(request.user, uuid)
    return file_responses.image(request, found.attachment.image)


@require_safe
@login_required
def preview(request: HtmxRequest) -> HttpResponse:
    """Show a place before anything is asked about it."""
    try:
        data = regions.picture(regions.find(request.GET.get("region", ""), request.user))
    except PermanentError as exc:
        raise Http404(str(exc)) from exc
    response = HttpResponse(data, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=300"
    return response


@require_safe
@login_required
def choose(request: HtmxRequest) -> HttpResponse:
    """Offer the passages, tables and figures of a page, and the whole page, to ask about."""
    number = request.GET.get("page", "")
    pages = Page.objects.exclude(image="").defer("layout").select_related("document")
    page = get_object_or_404(
        pages.filter(document__in=_documents(request)),
        number=int(number) if number.isdecimal() and len(number) < 7 else 1,
    )
    context = {"document": page.document, "page": page, "places": regions.places_on(page)}
    template = "answers/_choose_region.html" if request.htmx else "answers/choose_region.html"
    return render(request, template, context)


def _documents(request: HtmxRequest) -> QuerySet[Document]:
    readable = Document.objects.visible_to(request.user)
    try:
        return readable.filter(uuid=UUID(request.GET.get("document", "")))
    except ValueError:
        return readable.none()
