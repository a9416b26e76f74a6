"""REST doorways of the spaces: how they are, their versions, switching and rolling back."""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingestion.errors import PermanentError
from ingestion.models import Chunk
from retrieval import embedding, space_status, spaces
from retrieval.models import SpaceVersion
from retrieval.permissions import StaffChanges
from retrieval.serializers import (
    NewVersionSerializer,
    SpaceSerializer,
    SpaceVersionSerializer,
)


class SpacesView(APIView):
    @extend_schema(responses=SpaceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the spaces that are searched, with their models, indexes and counts."""
        return Response(SpaceSerializer(space_status.describe(), many=True).data)


class SpaceVersionsView(APIView):
    permission_classes = [*APIView.permission_classes, StaffChanges]

    @extend_schema(responses=SpaceVersionSerializer(many=True))
    def get(self, request: Request, space: str) -> Response:
        """List the versions of a space, oldest first."""
        versions = SpaceVersion.objects.filter(space=_known(space))
        return Response(SpaceVersionSerializer(versions, many=True).data)

    @extend_schema(request=NewVersionSerializer, responses={202: SpaceVersionSerializer})
    def post(self, request: Request, space: str) -> Response:
        """Begin a version with the model of the settings, beside the live one.

        The workers fill it; it is switched to in one step when it is full, unless it waits.
        """
        form = NewVersionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            version = spaces.begin_version(_known(space), waits=form.validated_data["waits"])
        except ValueError as exc:
            raise PermanentError(str(exc)) from exc
        return Response(SpaceVersionSerializer(version).data, status=202)


class SpaceActivateView(APIView):
    permission_classes = [*APIView.permission_classes, StaffChanges]

    @extend_schema(request=None, responses=SpaceVersionSerializer)
    def post(self, request: Request, space: str, number: int) -> Response:
        """Search this version, at once; vectors that it lacks are made afterwards."""
        versions = SpaceVersion.objects.with_vectors().filter(space=_known(space))
        version = get_object_or_404(versions, number=number)
        if version.state not in spaces.SWITCHABLE:
            raise PermanentError(f"{version} is {version.state}: it cannot be switched to.")
        spaces.switch_to(version)
        return Response(SpaceVersionSerializer(version).data)


class SpaceRollBackView(APIView):
    permission_classes = [*APIView.permission_classes, StaffChanges]

    @extend_schema(request=None, responses=SpaceVersionSerializer)
    def post(self, request: Request, space: str) -> Response:
        """Search the version before the live one again, at once."""
        try:
            version = spaces.roll_back(_known(space))
        except LookupError as exc:
            raise PermanentError(str(exc)) from exc
        return Response(SpaceVersionSerializer(version).data)


class SpaceVectorView(APIView):
    permission_classes = [*APIView.permission_classes, StaffChanges]

    @extend_schema(request=None, responses={202: SpaceVersionSerializer})
    def post(self, request: Request, space: str, chunk: int) -> Response:
        """Make one chunk's vector in this space again; its other vectors stay as they are.

        A worker makes it, and the next search after that finds the chunk by it.
        """
        found = get_object_or_404(Chunk.objects.live(), pk=chunk)
        version = spaces.live_versions()[_known(space)]
        embedding.request_remake(version, found)
        return Response(SpaceVersionSerializer(version).data, status=202)


def _known(space: str) -> str:
    if space not in spaces.live_versions():
        raise Http404
    return space
