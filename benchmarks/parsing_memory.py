"""Measure how much memory a long document takes, from upload to ready, in the real workers.

    python -m benchmarks.parsing_memory [--pages N | --file PDF]

A document of N pages is made (text, tables, charts, photographs, scans), and uploaded to a
site of its own with the default settings; all processes are watched until it is ready. The
table printed tells, at each step of the way, the most memory that one process of a kind
held: `worker` holds the models of embedding, `parser` those of parsing.

The last line printed is JSON: the peaks, and how much more the largest process of either
kind held in the last tenth of the pages than in the second (`growth_mb`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.long_document import write_long_document
from benchmarks.processes import Watched, watched
from benchmarks.site_client import FINAL, Client
from tests.site import running_site

POLL_SECONDS = 1.0
ROWS = 24
KINDS = ("parser", "worker")


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the document was, and the most megabytes that one process of a kind held then."""

    state: str
    pages: int
    told: str
    rss_mb: dict[str, int]


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        file = arguments.file or Path(folder) / "long.pdf"
        if not arguments.file:
            write_long_document(file, pages=arguments.pages)
        start = time.monotonic()
        state, samples, peaks = run(file, Path(folder) / "data")
    print(f"{state} after {time.monotonic() - start:.0f} s")
    for line in table(samples):
        print(line)
    print(json.dumps({"state": state, **report(samples, peaks)}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pages", type=int, default=1600, help="pages of a document that is made")
    which.add_argument("--file", type=Path, help="this document instead")
    return parser.parse_args()


def run(file: Path, data_dir: Path) -> tuple[str, list[Sample], dict[str, int]]:
    """Send a file through a site of its own; return its state, the samples, and the peaks."""
    with (
        running_site(data_dir, COMPILE_ENCODERS="true", UPLOAD_MAX_MB="2000") as site,
        watched(site.process.pid) as seen,
    ):
        client = Client(site.url, username=site.username, password=site.password)
        answer = client.upload(file)
        if "id" not in answer.body:
            sys.exit(f"{file.name} was refused: {answer.body}")
        samples = list(_followed(client, str(answer.body["id"]), seen))
        peaks = seen.most_mb()
    return samples[-1].state, samples, peaks


def _followed(client: Client, key: str, seen: Watched) -> Iterator[Sample]:
    while True:
        body = client.get(f"/documents/{key}/").body
        if seen.curve:
            yield Sample(
                str(body["state"]),
                int(body["pages_done"]),
                str(body["progress"]["label"]),
                seen.curve[-1],
            )
        if body["state"] in FINAL:
            return
        time.sleep(POLL_SECONDS)


def table(samples: Sequence[Sample]) -> Iterator[str]:
    """Yield lines that tell the memory along the way, evenly spread over the samples."""
    yield f"{'pages':>6}{'parser MB':>11}{'worker MB':>11}  progress"
    step = max(1, len(samples) // ROWS)
    for start in range(0, len(samples), step):
        part = samples[start : start + step]
        most = (max(sample.rss_mb.get(kind, 0) for sample in part) for kind in KINDS)
        last = part[-1]
        cells = "".join(f"{value:11}" for value in most)
        yield f"{last.pages:6}{cells}  {last.told}"


def report(samples: Sequence[Sample], peaks: dict[str, int]) -> dict[str, int]:
    """Return the peaks, and what each kind gained between the start and the end of the pages."""
    pages = samples[-1].pages
    growth = {
        f"{kind}_growth_mb": _most(samples, kind, 0.9 * pages, pages)
        - _most(samples, kind, 0.1 * pages, 0.2 * pages)
        for kind in KINDS
    }
    most = {f"{kind}_mb": peaks.get(kind, 0) for kind in KINDS}
    return {"pages": pages, **most, **growth, "max_rss_mb": max(peaks.values())}


def _most(samples: Sequence[Sample], kind: str, first: float, last: float) -> int:
    inside = [s for s in samples if s.state == "parsing" and first <= s.pages <= last]
    return max((sample.rss_mb.get(kind, 0) for sample in inside), default=0)


if __name__ == "__main__":
    main()
