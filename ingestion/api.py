"""REST doorways: collections and documents."""

from __future__ import annotations

import functools
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from ingestion import collections, documents, labels, listing, receipts, sharing
from ingestion.models import Collection, Document
from ingestion.serializers import (
    CollectionSerializer,
    DeletionSerializer,
    DocumentFilterSerializer,
    DocumentSerializer,
    LabelsSerializer,
    MemberSerializer,
    ReceiptSerializer,
    UnshareSerializer,
    UploadSerializer,
)


class CollectionViewSet(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Collection],
):
    """Collections that you may read; creating one makes it yours, and only you may change it."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    serializer_class = CollectionSerializer
    queryset = Collection.objects.none()

    def get_queryset(self) -> QuerySet[Collection]:
        return Collection.objects.visible_to(self.request.user).select_related("owner")

    def perform_create(self, serializer: BaseSerializer[Collection]) -> None:
        serializer.save(owner=self.request.user)

    def perform_update(self, serializer: BaseSerializer[Collection]) -> None:
        self._require_owner(serializer.instance)
        serializer.save()

    def perform_destroy(self, instance: Collection) -> None:
        """Delete the collection with all its documents."""
        self._require_owner(instance)
        collections.delete(instance)

    @extend_schema(responses=MemberSerializer(many=True))
    @action(detail=True, pagination_class=None)
    def members(self, request: Request, pk: Any = None) -> Response:
        """List whom the collection is shared with; only its owner may."""
        found = self.get_object()
        self._require_owner(found)
        return Response(MemberSerializer(sharing.members(found), many=True).data)

    @extend_schema(request=MemberSerializer, responses=MemberSerializer(many=True))
    @members.mapping.post
    def share(self, request: Request, pk: Any = None) -> Response:
        """Give a person or a group a role, in place of the one they have."""
        found, form = self.get_object(), MemberSerializer(data=request.data)
        self._require_owner(found)
        form.is_valid(raise_exception=True)
        sharing.share(found, **form.validated_data)
        return Response(MemberSerializer(sharing.members(found), many=True).data)

    @extend_schema(request=UnshareSerializer, responses=MemberSerializer(many=True))
    @action(detail=True, methods=["post"], pagination_class=None)
    def unshare(self, request: Request, pk: Any = None) -> Response:
        """Take a person's or a group's role away."""
        found, form = self.get_object(), UnshareSerializer(data=request.data)
        self._require_owner(found)
        form.is_valid(raise_exception=True)
        sharing.unshare(found, **form.validated_data)
        return Response(MemberSerializer(sharing.members(found), many=True).data)

    def _require_owner(self, collection: Any) -> None:
        if not Collection.objects.owned_by(self.request.user).filter(pk=collection.pk).exists():
            raise PermissionDenied("Only the owner of a collection may change or delete it.")


@extend_schema_view(
    list=extend_schema(
        parameters=[
            DocumentFilterSerializer,
            OpenApiParameter("tag", str, many=True, description="Only with all of these tags."),
        ]
    )
)
class DocumentViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Document],
):
    """Documents that you may read, with their state and progress."""

    serializer_class = DocumentSerializer
    queryset = Document.objects.none()
    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    parser_classes = [MultiPartParser, JSONParser]

    def get_queryset(self) -> QuerySet[Document]:
        found = Document.objects.visible_to(self.request.user)
        found = found.defer("outline").with_skipped_pages()
        if self.action != "list":
            return found
        form = DocumentFilterSerializer(data=self.request.query_params)
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        found = listing.named(found, asked.pop("name", ""))
        found = found.order_by(*listing.COLUMNS_OF[asked.pop("order", listing.Order.NEWEST)])
        found = found.filter(**asked)
        return found.tagged(*labels.checked_tags(self.request.query_params.getlist("tag")))

    @extend_schema(
        request={"multipart/form-data": UploadSerializer}, responses={201: DocumentSerializer}
    )
    def create(self, request: Request) -> Response:
        """Upload a file; it is parsed and indexed in the background."""
        form = UploadSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        user: Any = request.user
        document = documents.submit(
            form.validated_data["file"],
            collection=form.validated_data.get("collection") or collections.default_for(user),
            owner=user,
            password=form.validated_data["password"],
            tags=labels.parsed_tags(form.validated_data["tags"]),
            metadata=form.validated_data["metadata"],
        )
        return Response(self.get_serializer(document).data, status.HTTP_201_CREATED)

    @extend_schema(request={"application/json": LabelsSerializer}, responses=DocumentSerializer)
    def partial_update(self, request: Request, id: Any = None) -> Response:
        """Give it another title, other tags or metadata."""
        form = LabelsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._do(functools.partial(documents.label, **form.validated_data))

    @extend_schema(
        parameters=[DeletionSerializer],
        responses={200: ReceiptSerializer, 204: None},
    )
    def destroy(self, request: Request, id: Any = None) -> Response:
        """Delete a document with all that was made of it, and say what went."""
        document = self.get_object()
        self._require_edit(document)
        form = DeletionSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        if not form.validated_data["receipt"]:
            documents.delete(document)
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(ReceiptSerializer(receipts.delete(document)).data)

    @extend_schema(request=None, responses=DocumentSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: Any = None) -> Response:
        """Go on with a failed or cancelled document, or try the pages that were skipped again."""
        return self._do(documents.retry)

    @extend_schema(request=None, responses=DocumentSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: Any = None) -> Response:
        """Stop the work on a document; one that was read again is ready as it was before."""
        return self._do(documents.cancel)

    @extend_schema(request=None, responses=DocumentSerializer)
    @action(detail=True, methods=["post"])
    def reparse(self, request: Request, id: Any = None) -> Response:
        """Parse all its pages again; it stays searchable as it is until that is done."""
        return self._do(documents.reparse)

    def _do(self, verb: Any) -> Response:
        document = self.get_object()
        self._require_edit(document)
        verb(document)
        document.refresh_from_db()
        return Response(self.get_serializer(document).data)

    def _require_edit(self, document: Document) -> None:
        if not Document.objects.editable_by(self.request.user).filter(pk=document.pk).exists():
            raise PermissionDenied("You may read this collection, but not change it.")
