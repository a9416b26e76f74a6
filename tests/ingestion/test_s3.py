"""Files in S3-compatible storage: the same code, against a real (local) server of its protocol."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from moto.server import ThreadedMotoServer

from ingestion import documents, files, liveness, pages, receipts
from ingestion.collections import default_for
from ingestion.models import Document, DocumentState
from tests.factories import pdf_bytes, upload

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = {"region_name": "us-east-1"}


@pytest.fixture
def bucket(settings, data_dir) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", **KEYS}
    boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket="pages")
    options = {"bucket_name": "pages", "endpoint_url": url, "access_key": "k", "secret_key": "s"}
    more = {"default_acl": None, "file_overwrite": False, **KEYS}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, **more}},
    }
    yield url
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
