"""The product as it is started: a real worker process, a real Redis, a real web server."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path

import httpx2
import openai
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

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


@pytest.fixture
def secret(site: Site) -> str:
    body = {"username": site.username, "password": site.password, "scope": "admin"}
    response = httpx2.post(f"{site.url}/api/v1/auth/token/", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["token"])


def test_an_openai_client_asks_the_running_site(site: Site, secret: str, tmp_path: Path) -> None:
    file = tmp_path / "ferry.pdf"
    file.write_bytes(pdf_bytes(["The ferry to Anholt takes three hours and carries 400 people."]))
    assert "1 ready" in site.manage("ingest", str(file))
    client = openai.OpenAI(api_key=secret, base_url=f"{site.url}/v1")
    question = "How long does the ferry to Anholt take?"
    chunks = list(
        client.chat.completions.create(
            model="pagewise", messages=[{"role": "user", "content": question}], stream=True
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "three hours" in text
    assert f"]({site.url}/documents/" in text
    metrics = httpx2.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {secret}"}).text
    assert 'pagewise_search_stage_seconds_count{stage="total"}' in metrics
    assert 'pagewise_answers_total{state="done"}' in metrics


def test_an_assistant_reaches_the_running_site(site: Site, secret: str) -> None:
    async def listed() -> set[str]:
        headers = {"Authorization": f"Bearer {secret}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            streamable_http_client(f"{site.url}/mcp", http_client=http) as streams,
            ClientSession(*streams[:2]) as session,
        ):
            await session.initialize()
            return {tool.name for tool in (await session.list_tools()).tools}

    assert "ask" in asyncio.run(listed())
    assert httpx2.post(f"{site.url}/mcp", json={}).status_code == 401
