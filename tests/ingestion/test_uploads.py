"""Uploads in parts: the protocol, what breaks leave, quotas, and who may do what."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.utils import timezone

from ingestion import documents, files, uploads
from ingestion.models import Collection, Document, Upload
from rag_site.receiving import KeepsWhatCame, concerns
from tests.factories import pdf_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_cache", "sent_tasks")]

URL = "/api/v1/uploads/"
TUS = {"Tus-Resumable": "1.0.0"}
PART = "application/offset+octet-stream"


@pytest.fixture
def ann():
    return get_user_model().objects.create_user("ann")


@pytest.fixture
def as_ann(client, ann):
    client.force_login(ann)
    return client


def told(**entries: object) -> str:
    return ",".join(
        f"{name} {base64.b64encode(str(value).encode()).decode()}"
        for name, value in entries.items()
    )


def begin(client: Any, size: int, **entries: object) -> str:
    """Begin an upload; return its address."""
    metadata = told(**{"filename": "report.pdf", **entries})
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    response = client.post(URL, headers=headers)
    assert response.status_code == 201, response.content
    return str(response["Location"])


def send(client: Any, where: str, offset: int, data: bytes, **headers: str) -> Any:
    headers = {**TUS, "Upload-Offset": str(offset), **headers}
    return client.patch(where, data, content_type=PART, headers=headers)


def parts_on_disk() -> list[str]:
    return list(files.files_under(uploads.FOLDER))


# --- the whole way --------------------------------------------------------------------------


def test_parts_become_a_document(
    as_ann, ann, sent_tasks, django_capture_on_commit_callbacks
) -> None:
    data = pdf_bytes(["A page that comes in parts."])
    collection = Collection.objects.create(owner=ann, name="Plans")
    where = begin(
        as_ann, len(data), collection=collection.pk, tags="a, b", metadata='{"year": 2024}'
    )
    first = send(as_ann, where, 0, data[:700])
    assert (first.status_code, first["Upload-Offset"], first["Tus-Resumable"]) == (
        204, "700", "1.0.0",
    )  # fmt: skip
    assert "Upload-Expires" in first
    head = as_ann.head(where)
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("700", str(len(data)))
    assert head["Upload-Metadata"].startswith("filename ")
    assert head["Cache-Control"] == "no-store"
    with django_capture_on_commit_callbacks(execute=True):
        last = send(as_ann, where, 700, data[700:])
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(data)))
    document = Document.objects.get(uuid=last["X-Pagewise-Document"])
    assert (document.collection, document.filename) == (collection, "report.pdf")
    assert (document.tags, document.metadata) == (["a", "b"], {"year": 2024})
    assert document.sha256 == hashlib.sha256(data).hexdigest()
    assert document.file.read() == data
    assert [pk for pk, _ in sent_tasks] == [document.pk]
    assert parts_on_disk() == []
    # Who missed the last answer hears it again.
    again = as_ann.head(where)
    assert again["X-Pagewise-Document"] == str(document.uuid)
    assert as_ann.get(where).json()["document"] == str(document.uuid)
    assert as_ann.get(URL).json()["results"] == []
    documents.delete(document)
    assert as_ann.head(where).status_code == 404


def test_one_byte_at_a_time(as_ann) -> None:
    where = begin(as_ann, 5, filename="notes.txt")
    for offset, byte in enumerate(b"Hello"):
        assert send(as_ann, where, offset, bytes([byte])).status_code == 204
    assert Document.objects.get().file.read() == b"Hello"


def test_options_tells_what_is_spoken(client, settings) -> None:
    settings.UPLOAD_MAX_MB = 3
    response = client.options(URL)
    assert response.status_code == 204
    assert response["Tus-Version"] == "1.0.0"
    assert response["Tus-Max-Size"] == str(3 * 2**20)
    assert response["Tus-Extension"] == "creation,termination,expiration,checksum"
    assert "sha256" in response["Tus-Checksum-Algorithm"]


# --- what is refused, and what is kept -------------------------------------------------------


def test_a_wrong_offset_changes_nothing(as_ann) -> None:
    where = begin(as_ann, 100)
    send(as_ann, where, 0, b"x" * 40)
    for offset in (0, 39, 41, 100):
        response = send(as_ann, where, offset, b"y" * 10)
        assert (response.status_code, response.json()["code"]) == (409, "wrong_offset")
    assert as_ann.head(where)["Upload-Offset"] == "40"
    assert len(parts_on_disk()) == 1


def test_headers_that_make_no_sense(as_ann) -> None:
    where = begin(as_ann, 100)
    other = as_ann.patch(where, b"x", content_type=PART, headers={"Tus-Resumable": "0.2.2"})
    assert (other.status_code, other.json()["code"], other["Tus-Version"]) == (
        412, "tus_version", "1.0.0",
    )  # fmt: skip
    assert as_ann.delete(where).status_code == 412
    kind = as_ann.patch(
        where, b"x", content_type="text/plain", headers={**TUS, "Upload-Offset": "0"}
    )
    assert kind.status_code == 415
    for offset in ("", "-1", "1.5", "many", "9" * 30):
        assert send(as_ann, where, 0, b"x", **{"Upload-Offset": offset}).status_code == 400
    for length in ("", "-1", "many"):
        response = as_ann.post(URL, headers={**TUS, "Upload-Length": length})
        assert (response.status_code, response.json()["code"]) == (400, "invalid")
    broken = {**TUS, "Upload-Length": "9", "Upload-Metadata": "filename !!"}
    assert as_ann.post(URL, headers=broken).status_code == 400


def test_too_large_and_empty(as_ann, settings) -> None:
    settings.UPLOAD_MAX_MB = 1
    for length, code, status in ((2**20 + 1, "too_large", 413), (0, "empty", 422)):
        response = as_ann.post(URL, headers={**TUS, "Upload-Length": str(length)})
        assert (response.status_code, response.json()["code"]) == (status, code)
    where = begin(as_ann, 10)
    response = send(as_ann, where, 0, b"x" * 11)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert as_ann.head(where)["Upload-Offset"] == "0"
    assert parts_on_disk() == []


def test_a_checksum_is_held_against_what_came(as_ann) -> None:
    where = begin(as_ann, 100)
    for algorithm in ("sha1", "sha256", "md5"):
        wrong = base64.b64encode(hashlib.new(algorithm, b"other").digest()).decode()
        refused = send(as_ann, where, 0, b"part", **{"Upload-Checksum": f"{algorithm} {wrong}"})
        assert (refused.status_code, refused.json()["code"]) == (460, "checksum_mismatch")
        assert refused.json()["title"] == "Checksum Mismatch"
    right = base64.b64encode(hashlib.sha1(b"part").digest()).decode()
    taken = send(as_ann, where, 0, b"part", **{"Upload-Checksum": f"sha1 {right}"})
    assert (taken.status_code, taken["Upload-Offset"]) == (204, "4")
    assert send(as_ann, where, 4, b"x", **{"Upload-Checksum": "crc32 AA=="}).status_code == 400


def test_what_is_no_document_is_refused_and_forgotten(as_ann) -> None:
    data = random.Random(1).randbytes(3000)
    where = begin(as_ann, len(data))
    send(as_ann, where, 0, data[:1000])
    response = send(as_ann, where, 1000, data[1000:])
    assert (response.status_code, response.json()["code"]) == (422, "unsupported")
    assert as_ann.head(where).status_code == 404
    assert (parts_on_disk(), Upload.objects.count()) == ([], 0)


def test_a_duplicate_names_what_is_there(as_ann) -> None:
    data = pdf_bytes()
    send(as_ann, begin(as_ann, len(data)), 0, data)
    # Not 409: to clients that means an offset, and they would try again.
    response = send(as_ann, begin(as_ann, len(data)), 0, data)
    assert (response.status_code, response.json()["code"]) == (422, "duplicate")
    assert response.json()["existing"] == str(Document.objects.get().uuid)


def test_a_protected_file_waits_for_its_password(as_ann) -> None:
    data = pdf_bytes(password="sesame")
    where = begin(as_ann, len(data))
    early = as_ann.post(f"{where}finish/", {}, "application/json")
    assert (early.status_code, early.json()["code"]) == (409, "incomplete")
    response = send(as_ann, where, 0, data)
    assert (response.status_code, response.json()["code"]) == (422, "encrypted")
    # The last byte is not acknowledged: a client that goes on is told the same.
    assert as_ann.head(where)["Upload-Offset"] == str(len(data) - 1)
    again = send(as_ann, where, len(data) - 1, data[-1:])
    assert again.json()["code"] == "encrypted"
    wrong = as_ann.post(f"{where}finish/", {"password": "wrong"}, "application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_password")
    done = as_ann.post(f"{where}finish/", {"password": "sesame"}, "application/json")
    assert done.status_code == 201
    assert str(Document.objects.get().uuid) == done.json()["id"]
    assert parts_on_disk() == []


def test_a_full_disk_loses_nothing(as_ann, monkeypatch) -> None:
    data = pdf_bytes()
    where = begin(as_ann, len(data))
    send(as_ann, where, 0, data[:500])
    submit = documents.submit

    def full(*args: object, **kwargs: object) -> None:
        raise uploads.Refused("disk_full", "No room.")

    monkeypatch.setattr(documents, "submit", full)
    assert send(as_ann, where, 500, data[500:]).status_code == 507
    monkeypatch.setattr(documents, "submit", submit)
    assert as_ann.head(where)["Upload-Offset"] == str(len(data) - 1)
    last = send(as_ann, where, len(data) - 1, data[-1:])
    assert last.status_code == 204
    assert Document.objects.get().file.read() == data


# --- quotas, time, and who -------------------------------------------------------------------


def test_no_more_is_promised_than_the_disk_holds(as_ann, monkeypatch) -> None:
    free = 2 * 1000 + uploads.RESERVE_BYTES
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    headers = {**TUS, "Upload-Length": "1000"}
    assert as_ann.post(URL, headers=headers).status_code == 201
    # The first took its part, though none of it is there yet.
    refused = as_ann.post(URL, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")


def test_a_person_has_so_many_unfinished_ones(as_ann, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UNFINISHED", 2)
    first = begin(as_ann, 10)
    begin(as_ann, 10)
    refused = as_ann.post(URL, headers={**TUS, "Upload-Length": "10"})
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_uploads")
    assert as_ann.delete(first, headers=TUS).status_code == 204
    begin(as_ann, 10)


def test_whoever_stops_an_upload_too_late_is_told_its_document(as_ann) -> None:
    data = pdf_bytes()
    where = begin(as_ann, len(data))
    send(as_ann, where, 0, data)
    answer = as_ann.delete(where, headers=TUS)
    assert answer.status_code == 204
    assert answer["X-Pagewise-Document"] == str(Document.objects.get().uuid)
    assert "X-Pagewise-Document" not in as_ann.delete(begin(as_ann, 9), headers=TUS)


def test_what_is_deleted_or_too_old_goes(as_ann) -> None:
    gone, old, kept = (begin(as_ann, 10) for _ in range(3))
    for where in (gone, old, kept):
        send(as_ann, where, 0, b"12345")
    assert as_ann.delete(gone, headers=TUS).status_code == 204
    assert as_ann.head(gone).status_code == 404
    Upload.objects.filter(uuid=old.split("/")[-2]).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    late = send(as_ann, old, 5, b"67890")
    assert (late.status_code, late.json()["code"]) == (410, "expired")
    stray = default_storage.save("uploads/of-nobody/0", default_storage.open(parts_on_disk()[0]))
    assert uploads.forget_expired() == 1
    assert as_ann.head(old).status_code == 404
    assert as_ann.head(kept)["Upload-Offset"] == "5"
    assert len(parts_on_disk()) == 1
    assert not default_storage.exists(stray)


def test_an_upload_is_its_owners_alone(as_ann, ann, client) -> None:
    data = pdf_bytes()
    theirs = Collection.objects.create(
        owner=get_user_model().objects.create_user("eve"), name="Theirs"
    )
    metadata = told(filename="a.pdf", collection=theirs.pk)
    headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata}
    assert as_ann.post(URL, headers=headers).status_code == 422
    theirs.editors.add(ann)
    where = begin(as_ann, len(data), collection=theirs.pk)
    send(as_ann, where, 0, data[:10])
    theirs.editors.clear()
    refused = send(as_ann, where, 10, data[10:])
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert not Document.objects.exists()
    mine = begin(as_ann, 10)
    client.force_login(theirs.owner)
    assert send(client, mine, 0, b"x").status_code == 404
    assert client.delete(mine, headers=TUS).status_code == 404
    assert client.get(URL).json()["results"] == []


def test_while_one_request_is_at_work_another_waits(as_ann) -> None:
    where = begin(as_ann, 10)
    Upload.objects.update(held_until=timezone.now() + timedelta(minutes=1))
    refused = send(as_ann, where, 0, b"x")
    assert (refused.status_code, refused.json()["code"]) == (423, "in_hand")
    assert as_ann.delete(where, headers=TUS).status_code == 423
    # Its process died: after a while the next one goes on.
    Upload.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert send(as_ann, where, 0, b"x").status_code == 204


def test_of_two_that_both_hold_it_the_first_to_add_wins(as_ann) -> None:
    upload = Upload.objects.get(uuid=begin(as_ann, 10).split("/")[-2])

    def slowly():
        yield b"abc"
        other = Upload.objects.get(pk=upload.pk)
        Upload.objects.update(held_until=None)
        uploads.append(other, [b"12345"], offset=0)
        yield b"def"

    with pytest.raises(uploads.UploadFault, match="meanwhile"):
        uploads.append(upload, slowly(), offset=0)
    kept = Upload.objects.get()
    assert (kept.received, len(parts_on_disk())) == (5, 1)


# --- connections that break ------------------------------------------------------------------


def messages(*parts: bytes, breaks: bool) -> Any:
    """What a server tells of a body that comes in these parts, and breaks off after them."""
    left: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    left.append({"type": "http.disconnect"} if breaks else {"type": "http.request"})

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


async def _through(scope: dict[str, Any], receive: Any) -> tuple[str, bytes, str]:
    """Send it through the middleware to an app that reads all, answers, and waits."""
    seen: dict[str, Any] = {"body": b""}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen["method"], more = scope["method"], True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                seen["after"] = "dropped"
                return
            seen["body"] += message.get("body", b"")
            more = message.get("more_body", False)
        next_one = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert not next_one.done() or scope["method"] != "PATCH"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        seen["after"] = (await next_one)["type"] if scope["method"] == "PATCH" else ""

    async def send(message: Any) -> None:
        pass

    await KeepsWhatCame(app)(scope, receive, send)
    return seen["method"], seen["body"], seen["after"]


def scope_of(method: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": f"{URL}x/", "headers": list(headers)}


def test_what_came_before_a_break_reaches_the_view() -> None:
    broken = messages(b"abc", b"def", breaks=True)
    assert asyncio.run(_through(scope_of("PATCH"), broken)) == (
        "PATCH", b"abcdef", "http.disconnect",
    )  # fmt: skip
    # Of other requests half a body is worth nothing.
    assert asyncio.run(_through(scope_of("POST"), messages(b"abc", breaks=True)))[2] == "dropped"


def test_no_more_is_read_than_may_be_sent(settings) -> None:
    settings.UPLOAD_MAX_MB = 1
    endless = messages(*[b"x" * 2**19] * 10, breaks=False)
    _, body, _ = asyncio.run(_through(scope_of("PATCH"), endless))
    assert len(body) == 2**20 + 2**19


def test_a_method_may_be_told_in_a_header() -> None:
    header = (b"x-http-method-override", b"PATCH")
    whole = messages(b"abc", breaks=False)
    assert asyncio.run(_through(scope_of("POST", header), whole))[:2] == ("PATCH", b"abc")
    assert not concerns({"type": "http", "path": "/api/v1/documents/"})
