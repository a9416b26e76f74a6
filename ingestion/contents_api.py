"""REST doorways: the pages and the chunks of one document."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import documents, file_responses
from ingestion.models import Chunk, Document, Page
from ingestion.serializers import (
    ChunkFilterSerializer,
    ChunkSerializer,
    DocumentSerializer,
    PageDetailSerializer,
    PageSerializer,
)


class PageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Page]):
    """The pages of a document that you may read: what was found on each, and its image."""

    serializer_class = PageSerializer
    queryset = Page.objects.none()
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[Page]:
        pages = _of_document(self, Page.objects.all())
        return pages if self.action == "retrieve" else pages.defer("layout")

    def get_serializer_class(self) -> type[PageSerializer]:
        return PageDetailSerializer if self.action == "retrieve" else PageSerializer

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    @action(detail=True)
    def image(self, request: Request, **_: Any) -> HttpResponse:
        """Return the picture of the whole page."""
        return file_responses.image(request._request, self.get_object().image)

    @extend_schema(request=None, responses=DocumentSerializer)
    @action(detail=True, methods=["post"])
    def redo(self, request: Request, **_: Any) -> Response:
        """Read one page again; the document stays searchable as it is meanwhile."""
        page = self.get_object()
        if not Document.objects.editable_by(request.user).filter(pk=page.document_id).exists():
            raise PermissionDenied("You may read this collection, but not change it.")
        documents.redo_page(page.document, page.number)
        page.document.refresh_from_db()
        return Response(DocumentSerializer(page.document, context={"request": request}).data)


@extend_schema_view(list=extend_schema(parameters=[ChunkFilterSerializer]))
class ChunkViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Chunk]):
    """What is searched of a document, in reading order."""

    serializer_class = ChunkSerializer
    queryset = Chunk.objects.none()

    def get_queryset(self) -> QuerySet[Chunk]:
        found = _of_document(self, Chunk.objects.live())
        if self.action != "list":
            return found
        form = ChunkFilterSerializer(data=self.request.query_params)
        form.is_valid(raise_exception=True)
        return found.filter(**form.validated_data)

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    @action(detail=True)
    def image(self, request: Request, **_: Any) -> HttpResponse:
        """Return the picture of a figure or table."""
        return file_responses.image(request._request, self.get_object().image)


def _of_document(view: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Keep the rows of the document in the address; 404 where the user may not see it."""
    if getattr(view, "swagger_fake_view", False):
        return rows.none()
    visible = Document.objects.visible_to(view.request.user)
    document = get_object_or_404(visible.only("pk"), uuid=view.kwargs["document"])
    return rows.filter(document=document).select_related("document")
