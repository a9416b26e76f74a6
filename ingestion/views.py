"""The documents page: the list, uploads and their progress, collections."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from ingestion import collections, documents, listing, media_types, uploads
from ingestion.documents import Refused
from ingestion.forms import CollectionForm, FilterForm, UploadForm
from ingestion.models import Document


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails
    user: Any


@require_safe
@login_required
def document_list(request: HtmxRequest) -> HttpResponse:
    default = collections.default_for(request.user)
    context = list_context(request, request.GET)
    filters = context["filters"]
    found = Paginator(listing.matching(request.user, filters), listing.PER_PAGE)
    page = found.get_page(request.GET.get("page"))
    context |= {
        "page": page,
        "rows": listing.rows(list(page.object_list), request.user),
        "target": filters.collection or default,
        "max_bytes": settings.UPLOAD_MAX_MB * 1024 * 1024,
        "max_mb": settings.UPLOAD_MAX_MB,
        "kinds": media_types.TAKEN,
        "kind_labels": media_types.labels(),
        "unfinished": uploads.unfinished(request.user).select_related("collection"),
        # Filled in by a script: the row of a file that was not taken, and addresses.
        "blank_refusal": Refused("encrypted", ""),
        "no_id": UUID(int=0),
    }
    return render(request, "ingestion/documents.html", context)


@require_POST
@login_required
def upload(request: HtmxRequest) -> HttpResponse:
    """Take files: a script sends them one by one and gets rows, a form gets the list again."""
    form = UploadForm(request.POST, request.FILES, user=request.user)
    taken, refusals = [], []
    if not form.is_valid():
        reason = str(next(iter(form.errors.values()))[0])
        refusals.append(("Nothing was uploaded", Refused("invalid", reason)))
    for file in form.cleaned_data["file"] if form.is_valid() else []:
        try:
            taken.append(_submit(file, form, request))
        except Refused as refused:
            refusals.append((file.name, refused))
    if request.htmx:
        return _uploaded_rows(request, taken, refusals)
    return _uploaded_messages(request, taken, refusals)


@require_safe
@login_required
def taken(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """The row of a document that was sent in parts, and what stands around it."""
    visible = Document.objects.visible_to(request.user).brief().select_related("collection")
    return _uploaded_rows(request, [get_object_or_404(visible, uuid=uuid)], [])


@require_POST
@login_required
def discard_upload(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    upload = get_object_or_404(uploads.unfinished(request.user), uuid=uuid)
    try:
        uploads.discard(upload)
        messages.success(request, f"What came of “{upload.filename}” was deleted.")
    except uploads.UploadFault as exc:
        messages.error(request, str(exc))
    return redirect("ingestion:documents")


def _submit(file: UploadedFile, form: UploadForm, request: HtmxRequest) -> Document:
    return documents.submit(
        file,
        collection=form.cleaned_data["collection"],
        owner=request.user,
        password=form.cleaned_data["password"],
    )


def _uploaded_rows(
    request: HtmxRequest, taken: list[Document], refusals: list[tuple[str, Refused]]
) -> HttpResponse:
    """Return rows for what the list of the page keeps, and messages for the rest."""
    context = list_context(request, page_query(request))
    kept = listing.matching(request.user, context["filters"]).filter(
        pk__in=[document.pk for document in taken]
    )
    shown = set(kept.values_list("pk", flat=True))
    for document in taken:
        if document.pk not in shown:
            messages.success(request, _where_it_went(document))
    here = [document for document in taken if document.pk in shown]
    context |= {"rows": listing.rows(here, request.user), "refusals": refusals}
    return render(request, "ingestion/_uploaded.html", context)


def _where_it_went(document: Document) -> str:
    return format_html(
        '“{}” was added to <a href="{}?collection={}">“{}”</a>.',
        document.filename,
        reverse("ingestion:documents"),
        document.collection_id,
        document.collection,
    )


def _uploaded_messages(
    request: HtmxRequest, taken: list[Document], refusals: list[tuple[str, Refused]]
) -> HttpResponse:
    for document in taken:
        messages.success(request, f"“{document.filename}” was added and is waiting to be read.")
    for name, refused in refusals:
        messages.error(request, f"{name}: {refused.reason}")
    where = f"?collection={taken[0].collection_id}" if taken else ""
    return redirect(reverse("ingestion:documents") + where)


@require_safe
@login_required
def progress(request: HtmxRequest) -> HttpResponse:
    """Say how far documents are; `active` holds `<uuid>:<state that the page shows>` of each."""
    shown = _shown_states(request.GET.getlist("active"))
    visible = Document.objects.visible_to(request.user).brief().select_related("collection")
    found = list(visible.filter(uuid__in=shown))
    rows = listing.rows(found, request.user)
    context = {
        "moving": [row for row in rows if row.document.state == shown[row.document.uuid]],
        "changed": [row for row in rows if row.document.state != shown[row.document.uuid]],
        "gone": set(shown) - {document.uuid for document in found},
    }
    return rows_changed(request, context)


def _shown_states(entries: list[str]) -> dict[UUID, str]:
    shown = {}
    for entry in entries:
        text, _, state = entry.partition(":")
        try:
            shown[UUID(text)] = state
        except ValueError:
            continue
    return shown


@require_POST
@login_required
def create_collection(request: HtmxRequest) -> HttpResponse:
    form = CollectionForm(request.POST, owner=request.user)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect("ingestion:documents")
    collection = form.save()
    return redirect(f"{reverse('ingestion:documents')}?collection={collection.pk}")


def rows_changed(request: HtmxRequest, context: dict[str, Any]) -> HttpResponse:
    """Render rows of the list to put in place of those shown, with the counts around it."""
    if context.get("changed") or context.get("gone"):
        context |= list_context(request, page_query(request))
    return render(request, "ingestion/_changes.html", context)


def page_query(request: HtmxRequest) -> QueryDict:
    """Return the query of the page that a script's request was made from."""
    return QueryDict(urlsplit(request.htmx.current_url or "").query)


def list_context(request: HtmxRequest, query: QueryDict) -> dict[str, Any]:
    """Return what stands around the rows: filters, counts, collections."""
    filters = FilterForm(query, user=request.user).filters()
    shown = list(listing.collections_with_counts(request.user))
    return {
        "query": query,
        "filters": filters,
        "orders": listing.Order,
        "states": listing.state_counts(request.user, filters),
        "collections": shown,
        "total": Document.objects.visible_to(request.user).count(),
    }
