"""REST doorways of search profiles."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import json_types
from retrieval import profiles
from retrieval.models import SearchProfile
from retrieval.permissions import StaffChanges
from retrieval.request_form import RequestSerializer


@extend_schema_field(RequestSerializer)
class RequestField(serializers.JSONField):
    """sources, fusion, final, top_k: as in /api/v1/search/."""


class ProfileSerializer(json_types.StrictSerializer, serializers.ModelSerializer[SearchProfile]):
    serializer_field_mapping = json_types.OF_MODELS

    request = RequestField(required=False)

    class Meta:
        model = SearchProfile
        fields = ("id", "name", "description", "request", "is_live", "updated_at")
        read_only_fields = ("is_live",)

    def validate_request(self, form: Any) -> Any:
        profiles.request_of(form)
        return form


class ProfileViewSet(viewsets.ModelViewSet[SearchProfile]):
    """Named search requests; staff change them, and say which one is live."""

    queryset = SearchProfile.objects.all()
    serializer_class = ProfileSerializer
    permission_classes = [*viewsets.ModelViewSet.permission_classes, StaffChanges]

    @extend_schema(request=None, responses=ProfileSerializer)
    @action(detail=True, methods=["post"], url_path="make-live")
    def make_live(self, request: Request, pk: str | None = None) -> Response:
        """Run this profile for every search that names none, the chat's included."""
        profile = self.get_object()
        profiles.make_live(profile)
        profile.refresh_from_db()
        return Response(ProfileSerializer(profile).data)
