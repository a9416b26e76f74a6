"""REST doorways: API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from rag_site.accounts import tokens
from rag_site.accounts.models import ApiToken
from rag_site.accounts.serializers import (
    ApiTokenSerializer,
    NewTokenSerializer,
    SignInSerializer,
    TokenRequestSerializer,
)
from rag_site.accounts.throttling import SignInThrottle


class TokenViewSet(
    mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[ApiToken]
):
    """Your tokens. Deleting one revokes it at once."""

    serializer_class = ApiTokenSerializer
    queryset = ApiToken.objects.none()
    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return tokens.of(self.request.user)

    @extend_schema(request=TokenRequestSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token. The answer is the only place where its secret is shown."""
        form = TokenRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return _issued(request.user, by=request.auth, **form.validated_data)


class SignInView(APIView):
    """For programs that have a user name and a password."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInThrottle]
    parser_classes = [JSONParser, FormParser, MultiPartParser]

    @extend_schema(request=SignInSerializer, responses={201: NewTokenSerializer}, auth=[])
    def post(self, request: Request) -> Response:
        """Make a token with a user name and a password."""
        form = SignInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        username, password = asked.pop("username"), asked.pop("password")
        user = authenticate(request._request, username=username, password=password)
        if user is None:
            raise AuthenticationFailed(
                "The user name or the password is wrong, or there were too many attempts."
            )
        return _issued(user, **asked)


def _issued(user: Any, **asked: Any) -> Response:
    token, secret = tokens.issue(user, **asked)
    token.token = secret
    # No cache, ours neither, may keep the secret.
    headers = {"Cache-Control": "no-store"}
    return Response(NewTokenSerializer(token).data, status.HTTP_201_CREATED, headers=headers)
