"""Whatever is killed or deleted in the middle, nothing is lost and nothing stays behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import Process, descendants
from benchmarks.site_client import Client
from tests.factories import pdf_bytes
from tests.site import Site, running_site

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("unkillable")]

# Texts that differ in more than a number: else they would be taken for running heads.
NAMES = ["Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Willow"]
PAGES = len(NAMES)
# Generous: a worker starts anew on a machine that is busy with other things.
SECONDS = 240
LEAVE_SECONDS = 15
CANCEL_SECONDS = 5
LOOK = """
from ingestion.models import Chunk, Document, Page
key = "%s"
print(Document.objects.filter(uuid=key).count())
print(Page.objects.filter(document__uuid=key).count())
print(Chunk.objects.filter(document__uuid=key).count())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site"), PARSE_PROCESSES="1") as running:
        yield running


@pytest.fixture(scope="module")
def client(site: Site) -> Client:
    return Client(site.url, username=site.username, password=site.password)


def wait_until(condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return found


def in_the_middle(client: Client, site: Site, tmp_path: Path) -> str:
    """Upload a document that is new, and return its id while a page of it is being parsed.

    The parser is stopped over that page: however fast or slow the machine is, nothing is
    finished before the test has done its part.
    """
    file = tmp_path / f"{tmp_path.name}.pdf"
    texts = [f"Berth {name} belongs to {tmp_path.name}." for name in NAMES]
    file.write_bytes(pdf_bytes(texts))
    answer = client.upload(file)
    assert answer.status == 201, answer
    key = str(answer.body["id"])
    wait_until(lambda: state(client, key)["pages_done"])
    os.kill(processes(site, "parser")[0].pid, signal.SIGSTOP)
    assert state(client, key)["pages_done"] < PAGES
    return key


def state(client: Client, key: str) -> dict[str, Any]:
    return client.get(f"/documents/{key}/").body


def processes(site: Site, kind: str) -> list[Process]:
    return [one for one in descendants(site.process.pid) if one.kind() == kind]


def holder(site: Site) -> Process:
    """The worker process that has the document in hand: the one with a parser below it."""

    def found() -> Process | None:
        for worker in processes(site, "worker"):
            below = [one.kind() for one in descendants(worker.pid) if one != worker]
            if "parser" in below and "worker" not in below:
                return worker
        return None

    return wait_until(found)


def kill(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)


def main_worker(site: Site) -> Process:
    return next(one for one in descendants(site.process.pid) if one.kind() == "worker")


@pytest.mark.parametrize("victim", [holder, main_worker], ids=["pool", "main"])
def test_a_killed_worker_goes_on_at_the_same_page(victim, site, client, tmp_path) -> None:
    key = in_the_middle(client, site, tmp_path)
    before = state(client, key)["pages_done"]
    killed = victim(site)
    kill(killed)
    wait_until(lambda: not killed.is_alive())
    assert state(client, key)["pages_done"] >= before
    ended = wait_until(lambda: final(client, key))
    assert (ended["state"], ended["error"]) == ("ready", "")
    assert ended["progress"]["label"] == "Ready"
    pages = client.get(f"/documents/{key}/pages/?limit=100").body["results"]
    assert [page["state"] for page in pages] == ["done"] * PAGES
    chunks = client.get(f"/documents/{key}/chunks/?limit=200").body["results"]
    text = " ".join(chunk["text"] for chunk in chunks)
    assert [name for name in NAMES if f"Berth {name} belongs" not in text] == []


def final(client: Client, key: str) -> dict[str, Any] | None:
    found = state(client, key)
    return found if found["state"] in ("ready", "failed", "cancelled") else None


def test_cancelling_takes_seconds_though_a_page_hangs(site, client, tmp_path) -> None:
    key = in_the_middle(client, site, tmp_path)
    assert client.post(f"/documents/{key}/cancel/").status == 200
    assert state(client, key)["state"] == "cancelled"
    wait_until(lambda: not processes(site, "parser"), CANCEL_SECONDS)
    assert state(client, key)["state"] == "cancelled"


def test_a_deleted_document_leaves_nothing(site, client, tmp_path) -> None:
    key = in_the_middle(client, site, tmp_path)
    folder = Path(site.env["DATA_DIR"]) / "files" / "documents" / key
    assert list(folder.iterdir())
    assert client.send("DELETE", f"/documents/{key}/").status == 200
    wait_until(lambda: not processes(site, "parser"), LEAVE_SECONDS)
    wait_until(lambda: not folder.exists(), LEAVE_SECONDS)
    assert site.manage("shell", "-v", "0", "-c", LOOK % key).split()[-3:] == ["0", "0", "0"]
