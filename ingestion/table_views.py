"""A whole table for people: its cells, where it stands, and a file for a spreadsheet."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from ingestion import document_tables, file_responses, whole_tables
from ingestion.models import Document
from ingestion.page_store import table_as_json
from ingestion.table_grid import grid
from ingestion.views import HtmxRequest
from ingestion.whole_tables import WholeTable


@require_safe
@login_required
def table(request: HtmxRequest, uuid: UUID, pk: int) -> HttpResponse:
    """Show the table that a passage holds rows of, all of it."""
    document, whole = _whole(request, uuid, pk)
    context = {"document": document, "whole": whole, "grid": grid(table_as_json(whole.table))}
    return render(request, "ingestion/table.html", context)


@require_safe
@login_required
def table_csv(request: HtmxRequest, uuid: UUID, pk: int) -> HttpResponse:
    """Send that table as comma-separated values."""
    document, whole = _whole(request, uuid, pk)
    name = f"{document.title} - table {whole.number}.csv"
    return file_responses.csv_download(whole_tables.as_csv(whole.table), name)


def _whole(request: HtmxRequest, uuid: UUID, pk: int) -> tuple[Document, WholeTable]:
    document = get_object_or_404(Document.objects.visible_to(request.user), uuid=uuid)
    whole = document_tables.table_with(document, pk)
    if whole is None:
        raise Http404
    return document, whole
