"""Rate limits and idempotency keys."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from answers.models import Conversation, Message, Role
from ingestion.models import Collection, Upload
from rag_site import idempotency
from rag_site.accounts.throttling import SignInThrottle, client_address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_cache")]
COLLECTIONS = "/api/v1/collections/"
SIGN_IN = "/api/v1/auth/token/"


@pytest.fixture
def person(client):
    person = get_user_model().objects.create_user("ann")
    client.force_login(person)
    return person


def test_the_limit_is_told_and_kept(client, person, settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    first = client.get(COLLECTIONS)
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("2", "1")
    assert 0 < int(first["RateLimit-Reset"]) <= 60
    client.get(COLLECTIONS)
    refused = client.get(COLLECTIONS)
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert int(refused["Retry-After"]) > 0
    assert refused["RateLimit-Remaining"] == "0"


def test_a_write_that_is_sent_again_is_done_once(client, person) -> None:
    headers = {"Idempotency-Key": "one"}
    first = client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    again = client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert Collection.objects.count() == 1


def test_an_upload_that_is_begun_again_is_told_its_place(client, person) -> None:
    headers = {"Idempotency-Key": "one", "Tus-Resumable": "1.0.0", "Upload-Length": "9"}
    headers["Upload-Metadata"] = "filename cmVwb3J0LnBkZg=="
    first, again = (client.post("/api/v1/uploads/", headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    for name in ("Location", "Tus-Resumable", "Upload-Expires"):
        assert again[name] == first[name]
    assert Upload.objects.count() == 1


def test_an_answer_without_content_is_kept(client, person) -> None:
    chat = Conversation.objects.create(owner=person)
    answer = Message.objects.create(conversation=chat, role=Role.ASSISTANT, content="Yes.")
    path = f"/api/v1/messages/{answer.uuid}/stop/"
    first, again = (client.post(path, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (204, 204)
    assert again["Idempotent-Replayed"] == "true"


def test_a_key_belongs_to_one_content_and_one_person(client, person) -> None:
    headers = {"Idempotency-Key": "one"}
    client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    other = client.post(COLLECTIONS, {"name": "b"}, "application/json", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    client.force_login(get_user_model().objects.create_user("bob"))
    theirs = client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    assert theirs.status_code == 201
    assert Collection.objects.count() == 2


def test_while_the_first_is_in_hand_the_second_waits(client, person, monkeypatch) -> None:
    headers = {"Idempotency-Key": "one"}
    unfinished = SimpleNamespace(
        add=cache.add, get=cache.get, delete=cache.delete, set=lambda *_: None
    )
    monkeypatch.setattr(idempotency, "cache", unfinished)
    client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    second = client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    assert (second.status_code, second.json()["code"]) == (409, "in_hand")


def test_what_may_pass_is_not_kept(client, person, settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    client.get(COLLECTIONS)
    headers = {"Idempotency-Key": "one"}
    refused = client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    assert refused.status_code == 429
    settings.API_REQUESTS_PER_MINUTE = 100
    done = client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    assert done.status_code == 201


def test_a_secret_is_not_kept(client, person) -> None:
    headers = {"Idempotency-Key": "one"}
    body = {"name": "a"}
    first = client.post("/api/v1/tokens/", body, "application/json", headers=headers)
    second = client.post("/api/v1/tokens/", body, "application/json", headers=headers)
    assert first.json()["token"] != second.json()["token"]


def test_without_redis_limits_do_not_stand_in_the_way(client, person, settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert client.get(COLLECTIONS).status_code == 200
    headers = {"Idempotency-Key": "one"}
    refused = client.post(COLLECTIONS, {"name": "a"}, "application/json", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert not Collection.objects.exists()


@pytest.fixture
def quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def wrong_password(client, address: str, path: str = SIGN_IN, name: str = "ann"):
    form = {"username": name, "password": "wrong"}
    return client.post(path, form, headers={"X-Forwarded-For": address})


def test_a_client_does_not_choose_its_address(client, monkeypatch, quick_passwords) -> None:
    monkeypatch.setattr(SignInThrottle, "get_rate", lambda self: "2/hour")
    statuses = [wrong_password(client, f"192.0.2.{n}", name=f"n{n}").status_code for n in range(3)]
    assert statuses == [403, 403, 429]


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.4", "203.0.113.4"),
        ("203.0.113.4:51234", "203.0.113.4"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", "127.0.0.1"),
        ("_hidden:80", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_an_address_is_read_however_a_proxy_writes_it(rf, settings, told, address) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    request = rf.post("/login/", headers={"X-Forwarded-For": f"198.51.100.1, {told}"})
    assert client_address(request) == address


def test_who_comes_through_a_socket_has_no_address(rf) -> None:
    assert client_address(rf.post("/login/", REMOTE_ADDR="")) is None


def test_the_port_makes_no_other_address(client, settings, monkeypatch, quick_passwords) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    monkeypatch.setattr(SignInThrottle, "get_rate", lambda self: "2/hour")
    ports = (f"192.0.2.1:{n}" for n in range(3))
    statuses = [wrong_password(client, told, name=f"n{told}").status_code for told in ports]
    assert statuses == [403, 403, 429]


def test_a_proxy_that_is_trusted_tells_the_address(client, settings, quick_passwords) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    get_user_model().objects.create_user("ann")
    for n in range(10):
        # What the client said itself stands before what the proxy adds.
        last = wrong_password(client, f"198.51.100.{n}, 192.0.2.1", "/login/")
    assert last.status_code == 429
    assert wrong_password(client, "192.0.2.2", "/login/").status_code == 200
