"""REST doorways: search, and the spaces that are searched."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingestion.models import Document
from retrieval import scope, space_status
from retrieval.candidates import CandidateFilter
from retrieval.search import search
from retrieval.serializers import (
    SearchRequestSerializer,
    SearchResponseSerializer,
    SpaceSerializer,
)


class SearchView(APIView):
    @extend_schema(request=SearchRequestSerializer, responses=SearchResponseSerializer)
    def post(self, request: Request) -> Response:
        """Find the passages, tables and figures that best answer a query."""
        form = SearchRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        result = search(
            wanted["query"],
            where=_scope(request.user, wanted),
            top_k=wanted["top_k"],
            rerank=wanted["rerank"],
        )
        return Response(SearchResponseSerializer(result, context={"request": request}).data)


class SpacesView(APIView):
    @extend_schema(responses=SpaceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the spaces that are searched, with their models, indexes and counts."""
        return Response(SpaceSerializer(space_status.describe(), many=True).data)


def _scope(user: Any, wanted: dict[str, Any]) -> CandidateFilter:
    collections = wanted.get("collections", [])
    chosen = Document.objects.filter(uuid__in=wanted.get("documents", []))
    documents = list(chosen.values_list("pk", flat=True))
    # Only a choice left out means everything; a choice of nothing that exists finds nothing.
    if wanted.keys() & {"collections", "documents"} and not (collections or documents):
        return CandidateFilter(frozenset())
    pages = wanted.get("pages")
    return scope.allowed(
        user,
        collections=collections,
        documents=documents,
        kinds=wanted.get("kinds"),
        pages=(pages["first"], pages["last"]) if pages else None,
    )
