"""The pages of webhooks: add, try, look, pause, delete."""

from __future__ import annotations

import pytest
from celery import current_app
from django.contrib.auth import get_user_model

from rag_site.webhooks import deliveries, hooks
from rag_site.webhooks.models import Delivery, DeliveryState, Webhook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_cache")]
URL = "/account/webhooks/"
ADDRESS = "https://example.org/hook"


@pytest.fixture
def person(client):
    person = get_user_model().objects.create_user("ann")
    client.force_login(person)
    return person


@pytest.fixture
def webhook(person) -> Webhook:
    return hooks.add(person, url=ADDRESS, events=["document.ready"])


@pytest.fixture
def sent(monkeypatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args: found.extend(args))
    return found


def test_adding_one_shows_its_secret_once(client, person) -> None:
    body = {"url": ADDRESS, "events": ["document.ready", "document.failed"]}
    page = client.post(URL, body).content.decode()
    made = Webhook.objects.get()
    assert (made.owner, made.events) == (person, body["events"])
    assert made.secret in page
    again = client.get(URL).content.decode()
    assert ADDRESS in again
    assert made.secret not in again
    assert made.secret not in client.get(f"{URL}{made.uuid}/").content.decode()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://example.org", "events": ["document.ready"]}, "url"),
        ({"url": "https://me:secret@example.org", "events": ["document.ready"]}, "url"),
        ({"url": "http://127.0.0.1:8000/", "events": ["document.ready"]}, "url"),
        ({"url": "", "events": ["document.ready"]}, "url"),
        ({"url": ADDRESS, "events": []}, "events"),
        ({"url": ADDRESS, "events": ["ping"]}, "events"),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(client, person, body, field) -> None:
    response = client.post(URL, body)
    assert set(response.context["form"].errors) == {field}
    assert 'role="alert"' in response.content.decode()
    assert not Webhook.objects.exists()


def test_a_person_has_so_many(client, person, webhook, monkeypatch) -> None:
    monkeypatch.setattr(hooks, "MAX_WEBHOOKS", 1)
    response = client.post(URL, {"url": ADDRESS, "events": ["document.ready"]})
    assert "You have 1 webhooks" in response.content.decode()
    api = client.post(
        "/api/v1/webhooks/", {"url": ADDRESS, "events": ["document.ready"]}, "application/json"
    )
    assert (api.status_code, api.json()["code"]) == (422, "too_many_webhooks")


def test_trying_it_and_sending_again(
    client, person, webhook, sent, django_capture_on_commit_callbacks
) -> None:
    page = f"{URL}{webhook.uuid}/"
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"{page}ping/").status_code == 302
    delivery = Delivery.objects.get()
    assert sent == [delivery.pk]
    Delivery.objects.update(
        state=DeliveryState.FAILED, attempts=6, status_code=500, note="example.org answered 500."
    )
    shown = client.get(page).content.decode()
    assert "example.org answered 500." in shown
    # It does not change any more: nothing is asked for again and again.
    assert "every 2s" not in shown
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{page}deliveries/{delivery.uuid}/again/")
    assert sent == [delivery.pk, delivery.pk]
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 0)
    part = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in part
    assert "<h1" not in part


def test_pausing_and_deleting(client, person, webhook) -> None:
    page = f"{URL}{webhook.uuid}/"
    client.post(f"{page}switch/")
    assert not Webhook.objects.get().is_active
    client.post(f"{page}switch/")
    assert Webhook.objects.get().is_active
    assert "Delete this webhook?" in client.get(f"{page}delete/").content.decode()
    client.post(f"{page}delete/")
    assert not Webhook.objects.exists()


def test_those_of_others_are_not_there(client, person, webhook, sent) -> None:
    deliveries.ping(webhook)
    client.force_login(get_user_model().objects.create_superuser("boss"))
    page = f"{URL}{webhook.uuid}/"
    assert ADDRESS not in client.get(URL).content.decode()
    again = f"deliveries/{Delivery.objects.get().uuid}/again/"
    for path in ("", "delete/"):
        assert client.get(page + path).status_code == 404
    for path in ("ping/", "switch/", "delete/", again):
        assert client.post(page + path).status_code == 404
    assert Webhook.objects.get().is_active
