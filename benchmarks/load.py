"""Put people on the embedded default while it ingests, and see how long they wait.

    python -m benchmarks.load --data DIR [--people 50] [--minutes 10]

A site is started in a folder of its own, with its default settings. A few documents of
DIR/contoso are made ready first. Then so many people search, and ask the extractive reader,
while filings of DIR/financebench are ingested one after another until the time is over.

The last line printed is JSON. The first character is that of a streamed answer, from the
moment of asking. `rss_mb` is the memory of all processes together, in megabytes: before the
people came, when they had been there for a quarter of the time, at the end, and at most.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.processes import Watched, watched
from benchmarks.site_client import FINAL, Client
from tests.site import Site, running_site

LIBRARY = (
    "Benefit_Options.pdf",
    "Financial Market Analysis Report 2023.pdf",
    "PerksPlus.pdf",
    "employee_handbook.pdf",
)
POLL_SECONDS = 1.0
PEOPLE_PER_SECOND = 5
# The requests that are on their way when the time is over still get their answers.
STOP_SECONDS = 60
MAKE_PEOPLE = """
from django.contrib.auth import get_user_model
from rag_site.accounts import tokens
for number in range({count}):
    user = get_user_model().objects.create_user(f"person{{number}}")
    print("token", tokens.issue(user, name="load", scope="write")[1])
"""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="pagewise-load-", dir=options.folder) as folder:
        print(json.dumps(run(options, Path(folder))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="holds contoso/, financebench/")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--think", type=float, default=10, help="mean seconds between requests")
    parser.add_argument("--idle", action="store_true", help="ingest nothing meanwhile")
    parser.add_argument("--folder", help="where the temporary files lie")
    return parser.parse_args()


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Start, fill, load and stop a site; return the numbers."""
    data = folder / "data"
    # As a person starts it: what the tests leave out to be quick is here.
    with running_site(data, COMPILE_ENCODERS="true") as site, watched(site.process.pid) as seen:
        client = Client(site.url, username=site.username, password=site.password)
        _make_library(client, options.data)
        filings = [] if options.idle else _filings(options.data)
        with _ingesting(client, filings) as ingestion:
            begin = len(seen.curve)
            report = _load(site, options, folder)
            end = len(seen.curve)
        ok = client.get("/collections/").status
    assert ok == 200, "the site answered to its end"
    return _summary(report, seen, begin, end) | ingestion.summary()


def _make_library(client: Client, data: Path) -> None:
    """Ingest the documents that people ask, in a collection that everybody may see."""
    for name in LIBRARY:
        uploaded = client.upload(data / "contoso" / "pdfs" / name).body
        ready = _wait(client, uploaded["id"])
        assert ready["state"] == "ready", ready
    client.patch(f"/collections/{ready['collection']}/", {"is_public": True})
    print(f"{len(LIBRARY)} documents are ready", flush=True)


def _wait(client: Client, document: str, stop: threading.Event | None = None) -> dict[str, Any]:
    stop = stop or threading.Event()
    while True:
        body = client.get(f"/documents/{document}/").body
        if body["state"] in FINAL or stop.wait(POLL_SECONDS):
            return body


# --- ingestion meanwhile ---------------------------------------------------------------------


@dataclass(slots=True)
class Ingestion:
    """What was ingested while the people were there."""

    ended: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        pages = sum(body["pages_done"] for body in self.ended)
        return {
            "ingested_pages": pages,
            "ingested_pages_per_s": round(pages / self.seconds, 2) if self.seconds else 0,
            "ingestion_failed": sum(body["state"] == "failed" for body in self.ended),
        }


def _filings(data: Path) -> list[Path]:
    return sorted((data / "financebench" / "pdfs").glob("*10K.pdf"))


@contextmanager
def _ingesting(client: Client, files: Sequence[Path]) -> Iterator[Ingestion]:
    """Ingest one file after the other for as long as the block runs."""
    seen, stop = Ingestion(), threading.Event()

    def work() -> None:
        start = time.monotonic()
        for file in files:
            if stop.is_set():
                break
            seen.ended.append(_wait(client, client.upload(file).body["id"], stop))
        seen.seconds = time.monotonic() - start

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


# --- the people ------------------------------------------------------------------------------


def _load(site: Site, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Let locust, in a process of its own, send the people; return what they saw."""
    printed = site.manage("shell", "-v", "0", "-c", MAKE_PEOPLE.format(count=options.people))
    tokens = [line.split()[1] for line in printed.splitlines() if line.startswith("token ")]
    people, report = folder / "people.json", folder / "report.json"
    people.write_text(json.dumps({"tokens": tokens, "questions": _questions(options.data)}))
    command = [
        *(sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("load_people.py"))),
        *("--headless", "--only-summary", "--host", site.url, "--loglevel", "WARNING"),
        *("--users", str(options.people), "--spawn-rate", str(PEOPLE_PER_SECOND)),
        *("--run-time", f"{round(options.minutes * 60)}s", "--stop-timeout", str(STOP_SECONDS)),
        *("--people", str(people), "--report", str(report), "--think", str(options.think)),
        # Failed requests are counted in the report; locust's exit code is for its own troubles.
        *("--exit-code-on-error", "0"),
    ]
    subprocess.run(command, check=True)
    return json.loads(report.read_text())


def _questions(data: Path) -> list[str]:
    lines = (data / "contoso" / "questions.jsonl").read_text().splitlines()
    asked = [json.loads(line) for line in lines]
    return [each["question"] for each in asked if each["doc"] in LIBRARY]


def _summary(report: dict[str, Any], seen: Watched, begin: int, end: int) -> dict[str, Any]:
    for error in report["errors"]:
        print(error)
    numbers = report["numbers"]
    curve = [sum(totals.values()) for totals in seen.curve]
    quarter = begin + (end - begin) // 4
    return {
        "requests": sum(numbers[name]["requests"] for name in ("search", "whole answer")),
        "errors": sum(each["errors"] for each in numbers.values()),
        **{
            f"{name.replace(' ', '_')}_{moment}": numbers[name][moment]
            for name in ("search", "first character", "whole answer")
            for moment in ("p50_ms", "p95_ms", "max_ms")
        },
        "rss_mb": {
            "start": curve[begin],
            "quarter": curve[quarter],
            "end": curve[end - 1],
            "max": max(curve[begin:end]),
            "web_quarter": seen.curve[quarter]["web"],
            "web_end": seen.curve[end - 1]["web"],
        },
    }


if __name__ == "__main__":
    main()
