"""API tokens: named, scoped, expiring, shown once, revocable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from rag_site.accounts import tokens
from rag_site.accounts.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_cache")]
PASSWORD = "a long enough one"


@pytest.fixture
def person():
    return get_user_model().objects.create_user("ann", password=PASSWORD)


@pytest.fixture
def boss():
    return get_user_model().objects.create_superuser("boss", password=PASSWORD)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_signs_in_under_both_names_of_the_scheme(client, person) -> None:
    _, secret = tokens.issue(person, name="script")
    for scheme in ("Bearer", "Token", "bearer"):
        response = client.get("/api/v1/tokens/", headers={"Authorization": f"{scheme} {secret}"})
        assert response.status_code == 200
        assert response.json()["results"][0]["name"] == "script"


def test_only_its_hash_is_stored_and_its_use_is_noted(client, person) -> None:
    token, secret = tokens.issue(person, name="script")
    row = str(ApiToken.objects.values().get(pk=token.pk))
    assert secret not in row
    assert token.last_used_at is None
    client.get("/api/v1/tokens/", headers=bearer(secret))
    token.refresh_from_db()
    assert token.last_used_at is not None


@pytest.mark.parametrize("secret", ["", "pw_wrong", "two words", "pw_ünicode"])
def test_a_wrong_token_is_refused(client, secret) -> None:
    response = client.get("/api/v1/tokens/", headers=bearer(secret))
    assert response.status_code == 401
    assert response.json()["code"] == "authentication_failed"
    assert response["WWW-Authenticate"] == "Bearer"


def test_an_expired_or_revoked_token_is_refused(client, person) -> None:
    token, secret = tokens.issue(person, name="old", days=1)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/v1/tokens/", headers=bearer(secret)).status_code == 401
    _, secret = tokens.issue(person, name="new", scope="write")
    token = tokens.of(person).get()
    headers = bearer(secret)
    assert client.delete(f"/api/v1/tokens/{token.uuid}/", headers=headers).status_code == 204
    assert client.get("/api/v1/tokens/", headers=headers).status_code == 401


def test_a_read_token_reads_searches_and_asks_but_changes_nothing(client, person) -> None:
    _, secret = tokens.issue(person, name="reader")
    headers = bearer(secret)
    assert client.get("/api/v1/collections/", headers=headers).status_code == 200
    body = {"query": "anything"}
    found = client.post("/api/v1/search/", body, "application/json", headers=headers)
    assert found.status_code == 200
    made = client.post("/api/v1/collections/", {"name": "x"}, "application/json", headers=headers)
    assert made.status_code == 403
    assert made.json()["detail"] == "This token's scope is read; this needs write."


def test_no_token_gives_more_than_it_has(client, person, boss) -> None:
    _, secret = tokens.issue(person, name="writer", scope="write")
    body = {"name": "more", "scope": "admin"}
    refused = client.post("/api/v1/tokens/", body, "application/json", headers=bearer(secret))
    assert (refused.status_code, refused.json()["code"]) == (422, "token_refused")
    _, secret = tokens.issue(boss, name="writer", scope="write")
    refused = client.post("/api/v1/tokens/", body, "application/json", headers=bearer(secret))
    assert refused.status_code == 422
    client.force_login(boss)
    assert client.post("/api/v1/tokens/", body, "application/json").status_code == 201


def test_tokens_of_others_are_not_to_be_seen(client, person, boss) -> None:
    token, _ = tokens.issue(boss, name="theirs")
    client.force_login(person)
    assert client.get("/api/v1/tokens/").json()["results"] == []
    assert client.delete(f"/api/v1/tokens/{token.uuid}/").status_code == 404
    assert client.post(f"/account/tokens/{token.uuid}/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_signing_in_with_a_password_gives_a_token(client, person) -> None:
    body = {"username": "ann", "password": PASSWORD, "days": 7}
    response = client.post("/api/v1/auth/token/", body)
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    assert (
        client.get("/api/v1/tokens/", headers=bearer(response.json()["token"])).status_code == 200
    )
    wrong = client.post("/api/v1/auth/token/", {**body, "password": "wrong"})
    assert wrong.status_code in (401, 403)


def test_ten_wrong_passwords_lock_the_name_from_that_address(client, person) -> None:
    for _ in range(10):
        client.post("/login/", {"username": "ann", "password": "wrong"})
    locked = client.post("/login/", {"username": "ann", "password": PASSWORD})
    assert locked.status_code == 429
    assert "too many wrong passwords" in locked.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post("/login/", {"username": "ann", "password": PASSWORD}).status_code == 302


def test_the_account_page_shows_a_new_token_once(client, person) -> None:
    client.force_login(person)
    made = client.post("/account/", {"name": "laptop", "scope": "read", "days": "30"})
    secret = made.context["secret"]
    assert secret in made.content.decode()
    again = client.get("/account/").content.decode()
    assert "laptop" in again
    assert secret not in again
    refused = client.post("/account/", {"name": "", "scope": "admin", "days": "30"})
    assert set(refused.context["form"].errors) == {"name", "scope"}
    token = tokens.of(person).get()
    client.post(f"/account/tokens/{token.uuid}/revoke/")
    assert not tokens.of(person).exists()
