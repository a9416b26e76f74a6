"""REST doorways: the tables of one document, each whole, however many pages it runs over."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import document_tables, file_responses, whole_tables
from ingestion.models import Chunk, Document
from ingestion.table_serializers import TableDetailSerializer, TableSerializer
from ingestion.whole_tables import WholeTable

NUMBER = OpenApiParameter("number", int, OpenApiParameter.PATH, description="From 1.")


@extend_schema_view(
    retrieve=extend_schema(parameters=[NUMBER]), csv=extend_schema(parameters=[NUMBER])
)
class TableViewSet(viewsets.GenericViewSet[Any]):
    """Tables with their cells; one that runs over pages is one table under one header."""

    serializer_class = TableDetailSerializer
    queryset = Chunk.objects.none()
    lookup_field = "number"
    lookup_value_converter = "int"

    @extend_schema(responses=TableSerializer(many=True))
    def list(self, request: Request, **_: Any) -> Response:
        """List the tables in reading order, without their cells."""
        document = self._document()
        page = self.paginate_queryset(document_tables.tables_of(document))
        shown = TableSerializer(page or [], many=True, context=self._context(document))
        return self.get_paginated_response(shown.data)

    def retrieve(self, request: Request, number: int, **_: Any) -> Response:
        """Return a table with all its cells, and as Markdown."""
        document = self._document()
        table = _table(document, number)
        return Response(TableDetailSerializer(table, context=self._context(document)).data)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True)
    def csv(self, request: Request, number: int, **_: Any) -> HttpResponse:
        """Return a table as comma-separated values."""
        table = _table(self._document(), number)
        text = whole_tables.as_csv(table.table)
        return file_responses.csv_download(text, f"table-{number}.csv")

    def _document(self) -> Document:
        visible = Document.objects.visible_to(self.request.user)
        return get_object_or_404(visible, uuid=self.kwargs["document"])

    def _context(self, document: Document) -> dict[str, Any]:
        return {**self.get_serializer_context(), "document": document}


def _table(document: Document, number: int) -> WholeTable:
    table = document_tables.table_of(document, number)
    if table is None:
        raise Http404
    return table
