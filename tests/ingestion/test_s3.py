"""Files in S3-compatible storage: the same code, against a real (local) server of its protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.config import Config
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from moto.server import ThreadedMotoServer

from ingestion import documents, files, liveness, pages, receipts, uploads
from ingestion.collections import default_for
from ingestion.errors import TransientError
from ingestion.models import Document, DocumentState
from tests.factories import pdf_bytes, upload

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = {"region_name": "us-east-1"}
ASKED_ONCE = Config(retries={"max_attempts": 0})


@pytest.fixture
def bucket(settings, data_dir) -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", **KEYS}
    made = boto3.resource("s3", endpoint_url=url, **keys).create_bucket(Bucket="pages")
    # The server before it has left what it held.
    made.objects.all().delete()
    options = {"bucket_name": "pages", "endpoint_url": url, "access_key": "k", "secret_key": "s"}
    more = {"default_acl": None, "file_overwrite": False, **KEYS}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "ingestion.s3_storage.BucketStorage",
            "OPTIONS": {**options, **more, "client_config": ASKED_ONCE},
        },
    }
    yield server
    server.stop()


def test_a_document_is_taken_parsed_shown_and_deleted(
    bucket, data_dir, client, sent_tasks, redis_cache
) -> None:
    owner = get_user_model().objects.create_user("ann")
    data = pdf_bytes(["The harbour closes at nine."])
    document = documents.submit(upload(data), collection=default_for(owner), owner=owner)
    with pytest.raises(NotImplementedError):
        default_storage.path(document.file.name)
    with liveness.in_hand(document.run):
        assert pages.parse(document, document.run)
    Document.objects.filter(pk=document.pk).update(state=DocumentState.EMBEDDING)
    documents.publish(document, document.run)
    assert document.chunks.filter(text__contains="closes at nine").exists()
    stored = list(files.files_under(document.folder))
    assert len(stored) >= 2
    assert not (data_dir / "files" / document.folder).exists()
    client.force_login(owner)
    image = client.get(f"/documents/{document.uuid}/pages/1/image")
    assert image.status_code == 200
    body = b"".join(client.get(f"/documents/{document.uuid}/file"))
    assert body == data
    receipt = receipts.delete(document)
    assert (receipt.files, receipt.files_left) == (len(stored), 0)


def submitted(owner) -> Document:
    data = pdf_bytes(["The harbour closes at nine."])
    return documents.submit(upload(data), collection=default_for(owner), owner=owner)


def test_a_bucket_that_is_gone_is_a_storage_that_is_away(
    bucket, client, sent_tasks, redis_cache
) -> None:
    """As of a disk that fails: work is tried again, and who asks is told to."""
    owner = get_user_model().objects.create_user("ann")
    client.force_login(owner)
    document = submitted(owner)
    kept = default_storage.open(document.file.name)
    bucket.stop()
    asked: list[Callable[[], object]] = [
        kept.read,
        lambda: default_storage.open(document.file.name),
        lambda: default_storage.save("x", ContentFile(b"x")),
        lambda: default_storage.size("x"),
        lambda: default_storage.get_modified_time("x"),
        lambda: default_storage.delete("x"),
        lambda: list(files.files_under(document.folder)),
    ]
    for ask in asked:
        with pytest.raises(OSError, match="cannot be used") as told:
            ask()
        assert isinstance(told.value, TransientError)
    with pytest.raises(documents.Refused) as refused:
        submitted(owner)
    assert refused.value.code == "busy"
    documents.delete(document)
    assert not Document.objects.exists()


def test_a_part_that_the_bucket_does_not_take_may_be_sent_again(
    bucket, client, sent_tasks, redis_cache
) -> None:
    owner = get_user_model().objects.create_user("ann")
    client.force_login(owner)
    sending = uploads.begin(owner, size=9, filename="a.pdf", collection=default_for(owner))
    bucket.stop()
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
    kind = "application/offset+octet-stream"
    path = f"/api/v1/uploads/{sending.uuid}/"
    answer = client.patch(path, b"%PDF", content_type=kind, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"]


def test_a_bucket_that_refuses_is_not_an_empty_one(bucket) -> None:
    """Nothing must be taken for lost because a bucket, or the right to read it, is."""
    default_storage.bucket.delete()
    with pytest.raises(TransientError):
        list(files.files_under("documents"))
    with pytest.raises(TransientError):
        default_storage.save("x", ContentFile(b"x"))


def test_what_is_not_there_is_told_as_on_a_disk(bucket) -> None:
    for ask in (default_storage.open, default_storage.size, default_storage.get_modified_time):
        with pytest.raises(FileNotFoundError):
            ask("documents/none.pdf")
    default_storage.save("x", ContentFile(b"x"))
    gone = default_storage.open("x")
    default_storage.delete("x")
    with pytest.raises(FileNotFoundError):
        gone.read()
    assert not default_storage.exists("x")
