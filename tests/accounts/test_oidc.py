"""Sign-in through an OpenID Connect provider, against a real one on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client

from tests.accounts.provider import CLIENT, SECRET, OpenIDProvider, running_provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_cache")]
PASSWORD = "a long enough one"


@pytest.fixture
def provider(settings) -> Iterator[OpenIDProvider]:
    with running_provider() as running:
        settings.OIDC_ISSUER = running.issuer
        settings.OIDC_NAME = "Example ID"
        settings.OIDC_SIGN_UP = False
        settings.OIDC_ADMIN_GROUP = ""
        app: dict[str, Any] = {"provider_id": "oidc", "name": "Example ID", "client_id": CLIENT}
        app |= {"secret": SECRET, "settings": {"server_url": running.issuer}}
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {**settings.SOCIALACCOUNT_PROVIDERS["openid_connect"], "APPS": [app]}
        }
        yield running


@pytest.fixture
def ann() -> User:
    return get_user_model().objects.create_user("ann", "ann@example.org", PASSWORD)


def sign_in(client: Client, provider: OpenIDProvider, query: str = "") -> Any:
    """Go the whole way: to the provider, and back with its code."""
    return client.get(provider.authorize(client.get(f"/login/oidc/{query}")["Location"]))


def who(client: Client) -> str:
    pk = client.session.get("_auth_user_id")
    return get_user_model().objects.get(pk=pk).username if pk else ""


def link(client: Client, provider: OpenIDProvider, user: User) -> Any:
    client.force_login(user)
    return sign_in(client, provider, f"?link={client.get('/account/').context['oidc_link']}")


def changed(url: str, **values: str) -> str:
    parts = urlsplit(url)
    query = {name: found[0] for name, found in parse_qs(parts.query).items()} | values
    return urlunsplit(parts._replace(query=urlencode(query)))


def test_a_linked_identity_signs_in(client, provider, ann) -> None:
    assert link(client, provider, ann)["Location"] == "/account/"
    client.logout()
    assert "Sign in with Example ID" in client.get("/login/").content.decode()
    session = client.session.session_key
    answer = sign_in(client, provider, "?next=/documents/")
    assert answer["Location"] == "/documents/"
    assert who(client) == "ann"
    assert client.session.session_key != session
    # Not to another site.
    client.logout()
    assert sign_in(client, provider, "?next=https://evil.example/")["Location"] == "/chat/"


def test_without_a_provider_there_is_no_such_way(client, settings) -> None:
    settings.OIDC_ISSUER = ""
    assert client.get("/login/oidc/").status_code == 404
    assert client.get("/login/oidc/callback/").status_code == 404
    assert "oidc" not in client.get("/login/").content.decode()


def test_somebody_unknown_is_refused(client, provider) -> None:
    answer = sign_in(client, provider)
    assert answer.status_code == 403
    assert "ask an administrator" in answer.content.decode()
    assert who(client) == ""
    assert not get_user_model().objects.exists()


def test_or_gets_an_account_where_settings_say_so(client, provider, settings) -> None:
    settings.OIDC_SIGN_UP = True
    provider.person |= {"email": "ann@example.org", "given_name": "Ann"}
    assert sign_in(client, provider).status_code == 302
    user = get_user_model().objects.get()
    assert (user.username, user.email, user.first_name) == ("ann", "ann@example.org", "Ann")
    assert not user.has_usable_password()
    assert not user.is_superuser
    assert "/account/password/" not in client.get("/account/").content.decode()
    client.logout()
    # The same person another day, with another name over there.
    provider.person["preferred_username"] = "ann.smith"
    sign_in(client, provider)
    assert who(client) == "ann"
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    "person",
    [{"email": "Ann@example.org", "preferred_username": "x"}, {"preferred_username": "ANN"}],
)
@pytest.mark.parametrize("verified", [True, False])
def test_an_account_that_is_there_is_not_taken_over(
    client, provider, settings, ann, person, verified
) -> None:
    settings.OIDC_SIGN_UP = True
    provider.person = {"sub": "666", "email_verified": verified, **person}
    answer = sign_in(client, provider)
    assert answer.status_code == 403
    assert "already" in answer.content.decode()
    assert who(client) == ""
    assert get_user_model().objects.count() == 1


def test_a_closed_account_stays_closed(client, provider, ann) -> None:
    link(client, provider, ann)
    client.logout()
    get_user_model().objects.update(is_active=False)
    assert sign_in(client, provider).status_code == 403
    assert who(client) == ""


def test_the_groups_of_the_provider_make_administrators(client, provider, settings, ann) -> None:
    link(client, provider, ann)
    settings.OIDC_ADMIN_GROUP = "it"
    for groups, is_admin in ((["it", "all"], True), ("it", True), (["all"], False)):
        provider.person["groups"] = groups
        sign_in(client, provider)
        ann.refresh_from_db()
        assert (ann.is_superuser, ann.is_staff) == (is_admin, is_admin)


def test_another_state_than_that_of_this_browser_is_refused(client, provider, ann) -> None:
    link(client, provider, ann)
    client.logout()
    back = provider.authorize(client.get("/login/oidc/")["Location"])
    for url in (changed(back, state="another"), changed(back, state="")):
        assert client.get(url).status_code == 403
    # Somebody else's code, put before a person whose browser never asked.
    assert Client().get(back).status_code == 403
    assert who(client) == ""
    # It is good for one time.
    assert client.get(back).status_code == 302
    client.logout()
    assert client.get(back).status_code == 403


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"iss": "https://another.example"},
        {"exp": int(time.time()) - 600},
        {"sub": "5678"},
    ],
)
def test_a_token_that_does_not_hold_is_refused(client, provider, ann, lies) -> None:
    link(client, provider, ann)
    client.logout()
    provider.lies = lies
    provider.info_lies = {"sub": "1234"}
    assert sign_in(client, provider).status_code == 403
    assert who(client) == ""


@pytest.mark.parametrize("how", ["another key", "the public key as a secret", "none"])
def test_a_signature_that_is_not_the_providers_is_refused(client, provider, ann, how) -> None:
    link(client, provider, ann)
    client.logout()
    if how == "another key":
        provider.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif how == "none":
        provider.signing_key, provider.algorithm = None, "none"
    else:
        provider.signing_key, provider.algorithm = str(provider.jwks()), "HS256"
    assert sign_in(client, provider).status_code == 403
    assert who(client) == ""


def test_linking_needs_ones_own_page(client, provider, ann) -> None:
    bob = get_user_model().objects.create_user("bob")
    link(client, provider, ann)
    # The identity is Ann's: Bob cannot have it, too.
    assert link(client, provider, bob).status_code == 403
    theirs = client.get("/account/").context["oidc_link"]
    client.force_login(ann)
    assert client.get(f"/login/oidc/?link={theirs}").status_code == 404
    assert client.get("/login/oidc/?link=made-up").status_code == 404


def test_a_provider_that_is_away_is_said(client, provider) -> None:
    provider.server.shutdown()
    provider.server.server_close()
    answer = client.get("/login/oidc/")
    assert answer.status_code == 502
    assert "does not answer" in answer.content.decode()


def test_passwords_stay_and_can_be_put_behind(client, provider, settings, ann) -> None:
    settings.PASSWORD_SIGN_IN = False
    assert "<details" in client.get("/login/").content.decode()
    client.post("/login/", {"username": "ann", "password": PASSWORD})
    assert who(client) == "ann"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"OIDC_CLIENT_ID": "", "OIDC_CLIENT_SECRET": ""}, "set OIDC_CLIENT_ID"),
        ({"HIDE_ALLAUTH": "1"}, "install the extra `oidc`"),
    ],
)
@pytest.mark.once
def test_half_a_setting_is_refused_at_start(tmp_path, given, sentence) -> None:
    hide = "import os, sys; os.environ.get('HIDE_ALLAUTH') and sys.modules.update(allauth=None);"
    env = {
        **os.environ, "DATA_DIR": str(tmp_path), "OIDC_ISSUER": "https://id.example.org",
        "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y", **given,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", hide + "import rag_site.settings"],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert sentence in done.stderr
