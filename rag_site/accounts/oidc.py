"""Sign-in through an OpenID Connect provider: whose identity is which account here.

The exchange with the provider is django-allauth's. What it leaves open is here: the identity
token's signature, nonce and subject are checked always, an unknown identity gets an account only
where settings say so, and none ever takes over an account that is there.
"""

from __future__ import annotations

import secrets
from typing import Any

import jwt
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
BACKEND = "django.contrib.auth.backends.ModelBackend"
LINKING = "connect"
LONGEST_NAME = 150


class Exchange(OpenIDConnectOAuth2Adapter):
    """The requests to the provider."""

    @property
    def openid_config(self) -> Any:
        config = super().openid_config
        if str(config.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
            raise OAuth2Error("The provider says that it is another issuer.")
        return config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("oidc-callback"))

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                id_token,
                self._key_of(id_token),
                algorithms=ALGORITHMS,
                audience=app.client_id,
                issuer=self.openid_config["issuer"],
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
                leeway=30,
            )
        except jwt.PyJWTError as exc:
            raise OAuth2Error(f"The identity token does not hold: {exc}") from exc

    def _key_of(self, id_token: str) -> Any:
        wanted = jwt.get_unverified_header(id_token).get("kid")
        with adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        for key in keys:
            if key.key_id == wanted or (wanted is None and len(keys) == 1):
                return key
        raise jwt.InvalidKeyError("it names a key that the provider does not have")


class Provider(OpenIDConnectProvider):
    """The provider that settings name."""

    oauth2_adapter_class = Exchange
    pkce_enabled_default = True

    def redirect(self, request: HttpRequest, process: str, **kwargs: Any) -> HttpResponse:
        nonce = secrets.token_urlsafe(24)
        # Nothing of the visitor's address is passed on to the provider.
        kwargs |= {"auth_params": {"nonce": nonce}, "scope": self.get_scope(), "nonce": nonce}
        return super().redirect(request, process, **kwargs)


class Adapter(DefaultSocialAccountAdapter):
    """Decides who is signed in; django-allauth's own pages are never reached."""

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, *args: Any, **kwargs: Any
    ) -> None:
        raise ImmediateHttpResponse(refused(request, "The sign-in was not completed. Try again."))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Answer the request: signed in, linked, or refused with a sentence."""
        claims = _claims(sociallogin)
        if claims is None:
            sentence = "The provider’s answer belongs to another sign-in. Try again."
            raise ImmediateHttpResponse(refused(request, sentence))
        if sociallogin.state.get("process") == LINKING:
            raise ImmediateHttpResponse(_linked(request, sociallogin))
        user = sociallogin.user if sociallogin.is_existing else None
        if user is None:
            user = _new_user(sociallogin, claims)
        if isinstance(user, str):
            raise ImmediateHttpResponse(refused(request, user))
        if not user.is_active:
            sentence = "This account is closed: ask an administrator."
            raise ImmediateHttpResponse(refused(request, sentence))
        _follow_groups(user, claims)
        login(request, user, backend=BACKEND)
        raise ImmediateHttpResponse(redirect(sociallogin.state.get("next") or "answers:chat"))


def adapter() -> Any:
    return Adapter()


def refused(request: HttpRequest, sentence: str, *, status: int = 403) -> HttpResponse:
    """Render the page that says why somebody is not signed in."""
    return render(request, "registration/oidc_refused.html", {"sentence": sentence}, status=status)


def _claims(sociallogin: Any) -> dict[str, Any] | None:
    """What the provider says of the person; None where it answers another question."""
    data = sociallogin.account.extra_data
    token, info = data.get("id_token") or {}, data.get("userinfo") or {}
    nonce = sociallogin.state.get("nonce")
    if not nonce or token.get("nonce") != nonce:
        return None
    if info and info.get("sub") != token["sub"]:
        return None
    return {**token, **info}


def _new_user(sociallogin: Any, claims: dict[str, Any]) -> Any:
    """Make an account for an identity, where settings allow it; else say why not."""
    if not settings.OIDC_SIGN_UP:
        return "You have no account here yet: ask an administrator for one."
    email = str(claims.get("email") or "")
    name = str(claims.get("preferred_username") or email or claims["sub"])[:LONGEST_NAME]
    users = get_user_model().objects
    taken = users.filter(username__iexact=name).exists()
    if taken or (email and users.filter(email__iexact=email).exists()):
        return (
            "There is an account with this name or e-mail address already. If it is yours, sign "
            "in with its password and link the two on the page of your account."
        )
    try:
        with transaction.atomic():
            user = users.create_user(
                name,
                email,
                first_name=str(claims.get("given_name") or "")[:LONGEST_NAME],
                last_name=str(claims.get("family_name") or "")[:LONGEST_NAME],
            )
            sociallogin.account.user = user
            sociallogin.account.save()
    except IntegrityError:
        return "Somebody else is just signing in as you. Try again."
    return user


def _follow_groups(user: Any, claims: dict[str, Any]) -> None:
    """Let the provider's group of administrators, where one is named, be ours."""
    if not settings.OIDC_ADMIN_GROUP:
        return
    groups = claims.get(settings.OIDC_GROUPS_CLAIM) or []
    groups = [groups] if isinstance(groups, str) else groups
    is_admin = settings.OIDC_ADMIN_GROUP in groups
    if user.is_superuser != is_admin or user.is_staff != is_admin:
        user.is_superuser = user.is_staff = is_admin
        user.save(update_fields=["is_superuser", "is_staff"])


def _linked(request: HttpRequest, sociallogin: Any) -> HttpResponse:
    """Link the identity with the account that is signed in."""
    if not request.user.is_authenticated:
        return refused(request, "Sign in with your password first, then link.")
    if sociallogin.is_existing:
        if sociallogin.user != request.user:
            return refused(request, "This identity belongs to another account here.")
    else:
        sociallogin.account.user = request.user
        sociallogin.account.save()
    return redirect("accounts:account")
