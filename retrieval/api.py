"""REST doorway of search."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingestion.json_types import Refused
from ingestion.models import Chunk, Document
from retrieval import profiles, scope
from retrieval.candidates import CandidateFilter
from retrieval.request import BadRequest, Query, SearchRequest, check_work
from retrieval.request_form import to_request
from retrieval.search import search_many
from retrieval.serializers import (
    BatchResponseSerializer,
    SearchFormSerializer,
    SearchRequestSerializer,
    SearchResponseSerializer,
)


class SearchView(APIView):
    parser_classes = [JSONParser, MultiPartParser]
    # What a token must be allowed to do, though this is a POST.
    required_scope = "read"

    @extend_schema(
        request={
            "application/json": SearchRequestSerializer,
            "multipart/form-data": SearchFormSerializer,
        },
        responses=PolymorphicProxySerializer(
            "SearchAnswer",
            [SearchResponseSerializer, BatchResponseSerializer],
            resource_type_field_name=None,
            many=False,
        ),
    )
    def post(self, request: Request) -> Response:
        """Find the passages, tables and figures that best answer one query or several.

        One query: hits. `queries`: results, each with hits. A request has at most 20 sources
        and 2 cross-encoders in all its stages together, and at most 2,560 passages to rerank
        for all its queries together.
        """
        form = SearchRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        results = search_many(
            [_query(entry, request.user) for entry in wanted.get("queries", [wanted])],
            where=_scope(request.user, wanted),
            request=_request(wanted),
        )
        context = {"request": request, "fields": wanted.get("fields")}
        if "queries" in wanted:
            return Response(BatchResponseSerializer({"results": results}, context=context).data)
        return Response(SearchResponseSerializer(results[0], context=context).data)


def _request(wanted: dict[str, Any]) -> SearchRequest:
    name = wanted.get("profile")
    try:
        base = profiles.named(name) if name else profiles.standard()
    except LookupError as exc:
        raise Refused({"profile": str(exc)}) from exc
    request = to_request(wanted, base)
    if not wanted["rerank"]:
        request = request.without_final()
    try:
        check_work(request, len(wanted.get("queries", [wanted])))
    except BadRequest as exc:
        raise Refused({exc.field: str(exc)}) from exc
    return request


def _query(wanted: dict[str, Any], user: Any) -> Query:
    like = wanted.get("like")
    if like is not None:
        readable = Chunk.objects.live().filter(document__in=Document.objects.visible_to(user))
        if not readable.filter(pk=like).exists():
            raise Refused({"like": "There is no such chunk, or you may not see it."})
    return Query(
        text=wanted.get("query", ""),
        image=wanted.get("image"),
        like=like,
        text_weight=wanted["text_weight"],
        image_weight=wanted["image_weight"],
    )


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
        filters=wanted.get("filter"),
    )
