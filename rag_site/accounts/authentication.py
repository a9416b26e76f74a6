"""Who a request comes from: API tokens, as `Authorization: Bearer …` or `Token …`."""

from __future__ import annotations

from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from rag_site.accounts import tokens

SCHEMES = (b"bearer", b"token")


class ApiTokenAuthentication(TokenAuthentication):
    """Knox' check of hashed tokens, under both usual names of the scheme."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        scheme, _, secret = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() not in SCHEMES:
            return None
        secret = secret.strip()
        if not secret or b" " in secret or not secret.isascii():
            raise AuthenticationFailed("The Authorization header holds no token.")
        user, token = self.authenticate_credentials(secret)
        tokens.note_use(token)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
