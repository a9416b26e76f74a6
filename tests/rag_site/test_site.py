"""The product as it is started: a real worker process, a real Redis, a real web server."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.factories import pdf_bytes
from tests.site import Site

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("site")]

LOOK = (
    "from ingestion.models import Document; from retrieval.models import Embedding; "
    "d = Document.objects.get(filename='harbour.pdf'); "
    "print(d.state, d.pages_done, Embedding.objects.filter(chunk__document=d).count())"
)


def test_the_worker_makes_a_document_ready(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "harbour.pdf"
    file.write_bytes(pdf_bytes(["The harbour closes at nine.", "Boats are moored for free."]))
    assert "1 ready" in site.manage("ingest", str(file))
    state, pages, vectors = site.manage("shell", "-v", "0", "-c", LOOK).split()[-3:]
    assert (state, pages) == ("ready", "2")
    assert int(vectors) >= 1


def test_health_tells_what_works(site: Site) -> None:
    with urllib.request.urlopen(f"{site.url}/health/ready") as response:
        health = json.load(response)
    assert {check["name"]: check["ok"] for check in health["services"]} == {
        "Database": True,
        "Task queue": True,
        "Worker": True,
        "Disk": True,
        "Reader": True,
    }
    assert health["status"] in ("ok", "degraded")
