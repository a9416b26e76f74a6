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
        return self.authenticate_header_value(get_authorization_header(request))

    def authenticate_header_value(self, header: bytes) -> tuple[Any, Any] | None:
        """Return user and token; None where the header is of another scheme.

        Raises AuthenticationFailed.
        """
        scheme, _, secret = header.strip().partition(b" ")
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


def user_of(header: bytes) -> Any:
    """Return whose token an Authorization header holds. Raises AuthenticationFailed."""
    found = ApiTokenAuthentication().authenticate_header_value(header)
    if found is None:
        raise AuthenticationFailed("Send an API token: Authorization: Bearer …")
    return found[0]
