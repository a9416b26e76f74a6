"""Webhooks: whom they tell what, signed, again after failures, and never to private addresses."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from celery import current_app
from django.contrib.auth import get_user_model
from django.utils import timezone

from ingestion import documents, pipeline
from ingestion.collections import default_for
from ingestion.errors import PermanentError
from ingestion.models import Document, DocumentState
from rag_site.webhooks import deliveries, hooks, sending
from rag_site.webhooks.models import Delivery, DeliveryState, Event, Webhook
from retrieval import spaces
from retrieval.models import SpaceVersion
from tests.ingestion.ready_document import make_document

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_cache")]


class Listener:
    """A real server that keeps what it is sent, and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.got.append((dict(self.headers), body))
                self.send_response(listener.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=1"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def owner():
    return get_user_model().objects.create_user("ann")


@pytest.fixture(autouse=True)
def sent(monkeypatch) -> list[int]:
    numbers: list[int] = []

    def send_task(name: str, args: tuple = (), **_: object) -> None:
        if name == deliveries.TASK:
            numbers.append(args[0])

    monkeypatch.setattr(current_app, "send_task", send_task)
    return numbers


def hook(owner, url: str, *events: str) -> Webhook:
    return Webhook.objects.create(owner=owner, url=url, events=list(events) or ["document.ready"])


def test_a_delivery_is_signed_and_noted(owner, listener, settings) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    webhook = hook(owner, listener.url)
    delivery = deliveries.ping(webhook)
    deliveries.deliver(delivery.pk)
    ((headers, body),) = listener.got
    assert json.loads(body)["event"] == "ping"
    stamp, _, given = headers["X-Pagewise-Signature"].removeprefix("t=").partition(",v1=")
    wanted = hmac.new(webhook.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    assert hmac.compare_digest(given, wanted.hexdigest())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status_code, delivery.attempts) == ("delivered", 204, 1)
    deliveries.deliver(delivery.pk)
    assert len(listener.got) == 1


@pytest.mark.parametrize("status", [500, 302, 410])
def test_what_is_not_taken_is_sent_again_and_given_up_in_the_end(
    owner, listener, settings, sent, status
) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    listener.status = status
    delivery = deliveries.ping(hook(owner, listener.url))
    for attempt in range(1, len(deliveries.PAUSES) + 2):
        deliveries.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.attempts, delivery.status_code) == (attempt, status)
        deliveries.deliver(delivery.pk)
        Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert delivery.state == DeliveryState.FAILED
    # A redirect would have come a second time for each.
    assert len(listener.got) == len(deliveries.PAUSES) + 1


def test_an_attempt_counts_though_its_process_dies(owner, monkeypatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> int:
        raise Killed

    monkeypatch.setattr(sending, "post", killed)
    delivery = deliveries.ping(hook(owner, "https://example.org/"))
    for attempt in range(1, deliveries.MOST_ATTEMPTS + 1):
        with pytest.raises(Killed):
            deliveries.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == ("waiting", attempt)
        Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.note) == ("failed", "Every attempt broke off.")


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_who_answers_bit_by_bit_is_not_waited_for(said, monkeypatch) -> None:
    monkeypatch.setattr(sending, "LONGEST_SECONDS", 0.5)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(said)
                while not over.wait(0.05):
                    connection.sendall(said if b"100" in said else b"x")

        thread = threading.Thread(target=answer)
        thread.start()
        began = time.monotonic()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(sending.NotSent, match="no answer within"):
            sending.post(url, b"{}", {}, allow_private=True)
        assert time.monotonic() - began < sending.TIMEOUT_SECONDS / 2
        over.set()
        thread.join()


def test_a_webhook_that_pauses_is_told_nothing_until_it_goes_on(owner, listener, settings) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    webhook = hook(owner, listener.url)
    (delivery,) = deliveries.tell([webhook], Event.DOCUMENT_READY, {})
    Webhook.objects.update(is_active=False)
    assert deliveries.deliver_due() == 0
    deliveries.deliver(delivery.pk)
    assert listener.got == []
    with pytest.raises(PermanentError, match="pauses"):
        deliveries.send_again(Delivery.objects.get())
    Webhook.objects.update(is_active=True)
    assert deliveries.deliver_due() == 1
    deliveries.deliver(delivery.pk)
    assert len(listener.got) == 1


def test_what_is_due_is_sent_again(owner, sent) -> None:
    delivery = deliveries.ping(hook(owner, "https://example.org/"))
    sent.clear()
    assert deliveries.deliver_due() == 1
    assert sent == [delivery.pk]
    Delivery.objects.update(next_at=timezone.now() + timedelta(hours=1))
    assert deliveries.deliver_due() == 0


def test_a_private_address_is_refused_when_it_is_sent(owner, listener) -> None:
    delivery = deliveries.ping(hook(owner, listener.url))
    deliveries.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.FAILED
    assert "no public address" in delivery.note
    assert listener.got == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1%eth0", "fc00::1", "::"),
        *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"),
    ],
)
def test_addresses_that_are_not_public(address) -> None:
    assert not sending.is_public(address)


def test_addresses_that_are_public() -> None:
    assert sending.is_public("93.184.216.34")
    assert sending.is_public("2606:2800:220:1::1")


def test_one_private_address_among_public_ones_is_enough(monkeypatch) -> None:
    rows = [(2, 1, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    with pytest.raises(sending.AddressRefused):
        sending.resolve(sending.checked_url("https://two.example"), allow_private=False)


def test_a_name_is_resolved_once_and_connected_to_as_checked(monkeypatch, listener) -> None:
    """A name that points elsewhere at the second look is not looked up a second time."""
    port = listener.server.server_port
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, *args: object, **kwargs: object):
        asked.append(host)
        return real("127.0.0.1" if host == "hook.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    sending.post(f"http://hook.example:{port}/", b"{}", {}, allow_private=True)
    assert asked.count("hook.example") == 1
    assert listener.got[0][0]["Host"] == f"hook.example:{port}"


def test_only_who_may_read_a_document_is_told(owner, sent_tasks) -> None:
    stranger = get_user_model().objects.create_user("eve")
    every = [event.value for event in Event]
    hook(owner, "https://a.example", *every)
    hook(stranger, "https://b.example", *every)
    document = make_document(default_for(owner), state=DocumentState.PARSING)
    Document.objects.filter(pk=document.pk).update(run="r")
    pipeline.fail(document.pk, "another", "Stale.")
    pipeline.fail(document.pk, "r", "It is damaged.")
    Document.objects.filter(pk=document.pk).update(run="s")
    document.refresh_from_db()
    documents.publish(document, "s")
    documents.delete(document)
    told = [(d.webhook.owner, d.event) for d in Delivery.objects.order_by("pk")]
    assert told == [
        (owner, name) for name in ("document.failed", "document.ready", "document.deleted")
    ]
    assert json.loads(Delivery.objects.last().body)["data"]["error"] == "It is damaged."


def test_a_switched_index_is_told(owner) -> None:
    hook(owner, "https://a.example", "index.switched")
    version = SpaceVersion.objects.create(space="text", number=1, model="m")
    assert spaces.activate(version)
    data = json.loads(Delivery.objects.get().body)["data"]
    assert data == {"space": "text", "version": 1, "model": "m"}


def test_the_api_shows_the_secret_once_and_ones_own_only(client, owner) -> None:
    client.force_login(owner)
    asked = {"url": "https://a.example/x", "events": ["document.ready"]}
    made = client.post("/api/v1/webhooks/", asked, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    path = f"/api/v1/webhooks/{made.json()['id']}/"
    assert "secret" not in client.get(path).json()
    assert client.post(f"{path}ping/").status_code == 202
    assert client.get(f"{path}deliveries/").json()[0]["event"] == "ping"
    client.force_login(get_user_model().objects.create_user("eve"))
    for wrong in (path, f"{path}deliveries/"):
        assert client.get(wrong).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.post(f"{path}ping/").status_code == 404


@pytest.mark.parametrize("url", ["ftp://a.example", "https://u:p@a.example", "nonsense", "http://"])
def test_addresses_that_are_none_are_refused(client, owner, url) -> None:
    client.force_login(owner)
    body = {"url": url, "events": ["document.ready"]}
    answer = client.post("/api/v1/webhooks/", body, content_type="application/json")
    assert answer.status_code == 422


PRIVATE = [
    *("http://127.0.0.1:9/x", "http://10.1.2.3/", "http://[::1]:8000/", "http://127.1/"),
    *("http://0x7f000001/", "http://169.254.169.254/", "http://localhost:8000/hook"),
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused_when_added_and_when_changed(client, owner, url) -> None:
    client.force_login(owner)
    body = {"url": url, "events": ["document.ready"]}
    answer = client.post("/api/v1/webhooks/", body, content_type="application/json")
    assert (answer.status_code, "no public address" in answer.content.decode()) == (422, True)
    path = f"/api/v1/webhooks/{hook(owner, 'https://a.example/x').uuid}/"
    changed = client.patch(path, {"url": url}, content_type="application/json")
    assert changed.status_code == 422
    assert Webhook.objects.get().url == "https://a.example/x"


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_taken_where_that_is_set(owner, settings, url) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    assert hooks.add(owner, url=url, events=["document.ready"]).url == url


@pytest.mark.parametrize("url", ["http://93.184.216.34/", "http://[2606:2800:220:1::1]:8080/x"])
def test_public_addresses_are_taken(owner, url) -> None:
    assert hooks.add(owner, url=url, events=["document.ready"]).url == url


def test_what_waited_for_a_paused_webhook_is_forgotten_in_time(owner) -> None:
    paused, going = (hook(owner, f"https://example.com/{name}") for name in "ab")
    for webhook in (paused, going):
        deliveries.tell([webhook], Event.DOCUMENT_READY, {})
    Webhook.objects.filter(pk=paused.pk).update(is_active=False)
    deliveries.deliver_due()
    assert Delivery.objects.count() == 2
    Delivery.objects.update(created_at=timezone.now() - 2 * deliveries.KEPT)
    deliveries.deliver_due()
    assert [one.webhook for one in Delivery.objects.all()] == [going]
