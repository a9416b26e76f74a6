"""One document: its page, its images, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from ingestion import documents, file_responses, listing, receipts, viewer
from ingestion.errors import PermanentError
from ingestion.forms import LabelForm
from ingestion.models import Chunk, Document, DocumentState, Page
from ingestion.serializers import ReceiptSerializer
from ingestion.views import HtmxRequest, rows_changed

RECEIPT = "receipt"
# Twice what is shown, for sharp screens.
THUMBNAIL_WIDTH = 240
PANELS = ("page", "figures", "outline", "coverage", "about")
STILL_SEARCHED = "What was found before is still searched."


@require_safe
@login_required
def document(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Show the pages; `page` opens one, each `box=page,x0,y0,x1,y1` frames evidence on one."""
    found = _visible(request, uuid)
    return render(request, "ingestion/document.html", _page_context(request, found))


@require_safe
@login_required
def panel(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Show what stands beside the pages: a page's passages, the figures, outline or facts."""
    found = _visible(request, uuid)
    context = _panel_context(request, found, _page_number(request, found, default=1))
    return render(request, "ingestion/_panel.html", context)


@require_safe
@login_required
def sheet(request: HtmxRequest, uuid: UUID, number: int) -> HttpResponse:
    """Show one page's image with the boxes over it."""
    found = _visible(request, uuid)
    get_object_or_404(found.pages.only("pk"), number=number)
    evidence = viewer.parse_evidence(request.GET.getlist("box"))
    context = {"sheet": viewer.sheet(found, number, evidence=evidence)}
    return render(request, "ingestion/_paper.html", context)


@require_safe
@login_required
def state(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Say how far the document is; when that is over, the page loads itself again."""
    row = listing.row(_visible(request, uuid), request.user)
    if not row.document.is_active:
        return HttpResponseClientRefresh()
    return render(request, "ingestion/_document_state.html", {"row": row})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Ask first (GET), then delete (POST)."""
    found = _editable(request, uuid)
    if request.method != "POST":
        template = "ingestion/_delete.html" if request.htmx else "ingestion/delete.html"
        in_list = urlsplit(request.htmx.current_url or "").path == reverse("ingestion:documents")
        return render(request, template, {"document": found, "in_list": in_list})
    collection = found.collection_id
    receipt = receipts.delete(found)
    messages.success(request, f"“{receipt.title}” was deleted.")
    if request.htmx:
        return rows_changed(request, {"gone": [uuid], "receipt": receipt})
    request.session[RECEIPT] = dict(ReceiptSerializer(receipt).data)
    request.session[RECEIPT]["collection"] = collection
    return redirect("ingestion:receipt")


@require_safe
@login_required
def receipt(request: HtmxRequest) -> HttpResponse:
    """Show what went with the document that was deleted last."""
    kept = request.session.get(RECEIPT)
    if kept is None:
        return redirect("ingestion:documents")
    return render(request, "ingestion/receipt.html", {"receipt": kept})


def _action(verb: Callable[[Document], str | None]) -> Callable[..., HttpResponse]:
    """Make a view of what is done to a document; a sentence that it returns is told."""

    @require_POST
    @login_required
    def view(request: HtmxRequest, uuid: UUID) -> HttpResponse:
        found = _editable(request, uuid)
        try:
            if sentence := verb(found):
                messages.success(request, sentence)
        except PermanentError as refused:
            messages.error(request, str(refused))
        if not request.htmx:
            return redirect(found)
        found.refresh_from_db()
        return rows_changed(request, {"changed": [listing.row(found, request.user)]})

    return view


def _cancel(found: Document) -> str:
    was_cancelled = documents.cancel(found)
    is_back = was_cancelled and found.state == DocumentState.READY
    return f"Reading “{found}” again was stopped. {STILL_SEARCHED}" if is_back else ""


retry = _action(documents.retry)
cancel = _action(_cancel)
reparse = _action(documents.reparse)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def label(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Give the document the title, tags and metadata that were typed in, or say what is wrong."""
    found = _editable(request, uuid)
    if request.method != "POST":
        # The links of a page with something wrong lead here.
        return redirect(f"{found.get_absolute_url()}?{request.GET.urlencode()}")
    given = request.POST.copy()
    # Who does not send a title leaves it.
    given.setdefault("title", found.title)
    form = LabelForm(given)
    if not form.is_valid():
        return _refused_labels(request, found, form)
    documents.label(found, **form.cleaned_data)
    messages.success(request, "Title, tags and metadata were saved.")
    if not request.htmx:
        return redirect(f"{found.get_absolute_url()}?panel=about")
    context = _panel_context(request, found, _page_number(request, found, default=1))
    return render(request, "ingestion/_labelled.html", context)


def _refused_labels(request: HtmxRequest, found: Document, form: LabelForm) -> HttpResponse:
    if request.htmx:
        context = _panel_context(request, found, _page_number(request, found, default=1))
        return render(request, "ingestion/_panel.html", context | {"form": form})
    context = _page_context(request, found) | {"form": form}
    return render(request, "ingestion/document.html", context, status=422)


@require_POST
@login_required
def redo_page(request: HtmxRequest, uuid: UUID, number: int) -> HttpResponse:
    """Read one page again."""
    found = _editable(request, uuid)
    get_object_or_404(found.pages.only("pk"), number=number)
    documents.redo_page(found, number)
    return redirect(f"{found.get_absolute_url()}?page={number}")


@require_safe
@login_required
def page_image(request: HtmxRequest, uuid: UUID, number: int) -> HttpResponse:
    pages = Page.objects.filter(document__in=Document.objects.visible_to(request.user))
    page = get_object_or_404(pages.only("image"), document__uuid=uuid, number=number)
    return file_responses.image(request, page.image)


@require_safe
@login_required
def page_thumbnail(request: HtmxRequest, uuid: UUID, number: int) -> HttpResponse:
    pages = Page.objects.filter(document__in=Document.objects.visible_to(request.user))
    page = get_object_or_404(pages.only("image"), document__uuid=uuid, number=number)
    return file_responses.image(request, page.image, width=THUMBNAIL_WIDTH)


@require_safe
@login_required
def crop(request: HtmxRequest, uuid: UUID, pk: int) -> HttpResponse:
    chunks = Chunk.objects.filter(document__in=Document.objects.visible_to(request.user))
    chunk = get_object_or_404(chunks.only("image"), document__uuid=uuid, pk=pk)
    return file_responses.image(request, chunk.image)


@require_safe
@login_required
def download(request: HtmxRequest, uuid: UUID) -> StreamingHttpResponse:
    return file_responses.download(_visible(request, uuid))


def _visible(request: HtmxRequest, uuid: UUID) -> Document:
    found = Document.objects.visible_to(request.user).select_related("collection", "uploaded_by")
    return get_object_or_404(found, uuid=uuid)


def _editable(request: HtmxRequest, uuid: UUID) -> Document:
    found = Document.objects.editable_by(request.user).select_related("collection")
    return get_object_or_404(found, uuid=uuid)


def _page_number(request: HtmxRequest, found: Document, *, default: int) -> int:
    wanted = request.GET.get("page", "")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 7 else default
    return max(1, min(number, found.page_count or 1))


def _page_context(request: HtmxRequest, found: Document) -> dict[str, Any]:
    evidence = viewer.parse_evidence(request.GET.getlist("box"))
    current = _page_number(request, found, default=evidence.first_page or 1)
    return _panel_context(request, found, current) | {
        "row": listing.row(found, request.user),
        "sheets": viewer.sheets(found, current=current, evidence=evidence),
        "evidence": evidence,
    }


def _panel_context(request: HtmxRequest, found: Document, number: int) -> dict[str, Any]:
    chosen = request.GET.get("panel", "")
    shown = chosen if chosen in PANELS else "page"
    editable = Document.objects.editable_by(request.user).filter(pk=found.pk)
    context: dict[str, Any] = {"document": found, "panel": shown, "number": number}
    if shown == "page":
        context["current"] = found.pages.defer("layout").filter(number=number).first()
        context["passages"] = viewer.passages(found, number)
        context["can_redo"] = not found.is_active and editable.exists()
    elif shown == "figures":
        context["figures"] = viewer.figures(found)
    elif shown == "coverage":
        context["coverage"] = viewer.coverage(found)
    elif shown == "about":
        context["contents"] = listing.contents_of([found])[found.pk]
        context["form"] = LabelForm.of(found)
        context["can_label"] = editable.exists()
    return context
