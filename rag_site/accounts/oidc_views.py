"""The two addresses of the sign-in through an OpenID Connect provider."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

PROVIDER_ID = "oidc"
LINK_SALT = "oidc-link"
LINK_SECONDS = 3600


def link_token(user: Any) -> str:
    """What proves that a person asked on their own page to be linked."""
    return signing.dumps(user.pk, salt=LINK_SALT)


@never_cache
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Send the visitor to the provider."""
    _require_it()
    from allauth.socialaccount.providers.oauth2.client import OAuth2Error
    from requests import RequestException

    from rag_site.accounts import oidc

    process = oidc.LINKING if _asks_to_link(request) else "login"
    try:
        provider = oidc.adapter().get_provider(request, PROVIDER_ID)
        return provider.redirect(request, process, next_url=_next(request))
    except (RequestException, OAuth2Error, ValueError, KeyError):
        sentence = f"{settings.OIDC_NAME} does not answer as it should. Try again in a moment."
        return oidc.refused(request, sentence, status=502)


@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Take what the provider says."""
    _require_it()
    from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView

    from rag_site.accounts import oidc

    view = OAuth2CallbackView.adapter_view(oidc.Exchange(request, PROVIDER_ID))
    return view(request)


def _require_it() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404


def _asks_to_link(request: HttpRequest) -> bool:
    token = request.GET.get("link", "")
    if not token:
        return False
    try:
        asked: Any = signing.loads(token, salt=LINK_SALT, max_age=LINK_SECONDS)
    except signing.BadSignature as exc:
        raise Http404 from exc
    if asked != request.user.pk:
        raise Http404
    return True


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: an address of this site, or none."""
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else ""
