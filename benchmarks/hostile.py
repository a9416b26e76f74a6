"""Send hostile files through the real upload and the real worker, and see that both survive.

    python -m benchmarks.hostile --data DIR [--files N] [--skip N]

DIR holds `hostile_pdfs/files/`. A site is started with its default limits, every file is
uploaded over HTTP, and every document is followed to its end, while all processes are
watched. Each file must end ready, failed or refused at upload, with a sentence for people.

The last line printed is JSON. `failed` counts the refused ones too, which `refused` counts
alone. `crashes` are server errors, worker processes that died, and errors that nobody
foresaw; `hangs` are documents that did not end; `orphans` are processes that outlived the
work that they were started for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.processes import Process, Watched, watched
from benchmarks.site_client import FINAL, Answer, Client
from tests.site import Site, running_site

UPLOADS_AT_A_TIME = 2
# A document that makes no step for so long hangs: several times what one page may take.
STILL_SECONDS = 600
POLL_SECONDS = 1.0
# How long a process may take to go when its work is done.
LEAVE_SECONDS = 10
SERVER_ERROR = 500
CREATED = 201
NOT_FORESEEN = "unexpected error"


@dataclass(frozen=True, slots=True)
class Ending:
    """How one file ended: ready, failed, refused, crashed or hung; and the sentence."""

    file: str
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """All endings, and what became of the site's processes."""

    endings: tuple[Ending, ...]
    workers_lost: int
    orphans: int
    max_rss_mb: int

    def summary(self) -> dict[str, int]:
        states = [ending.state for ending in self.endings]
        return {
            "files": len(states),
            "ready": states.count("ready"),
            "failed": states.count("failed") + states.count("refused"),
            "refused": states.count("refused"),
            "crashes": states.count("crashed") + self.workers_lost,
            "hangs": states.count("hung"),
            "orphans": self.orphans,
            "max_rss_mb": self.max_rss_mb,
        }


def main() -> None:
    arguments = _arguments()
    files = sorted((arguments.data / "hostile_pdfs" / "files").iterdir())[arguments.skip :]
    files = files[: arguments.files]
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        report = run(files, Path(folder), tell=_tell)
    print(json.dumps(report.summary()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--files", type=int, help="only so many, in the order of their names")
    parser.add_argument("--skip", type=int, default=0, help="not the first so many of them")
    return parser.parse_args()


def _tell(ending: Ending) -> None:
    print(f"{ending.state:8} {ending.file}: {ending.sentence}", flush=True)


def run(
    files: Sequence[Path],
    data_dir: Path,
    *,
    tell: Callable[[Ending], None] = lambda ending: None,
    **settings: str,
) -> Report:
    """Start a site in `data_dir`, send it the files, and report; nothing of it is left running."""
    with (
        running_site(data_dir, API_REQUESTS_PER_MINUTE="100000", **settings) as site,
        watched(site.process.pid) as seen,
    ):
        endings = send(site, files, tell)
        deadline = time.monotonic() + LEAVE_SECONDS
        while seen.alive("parser") and time.monotonic() < deadline:
            time.sleep(0.2)
        left = set(seen.alive("parser"))
        lost = _workers_lost(site, seen)
    left |= {process for process in seen.peaks if process.is_alive()}
    return Report(endings, lost, len(left), max(seen.most_mb().values()))


def send(site: Site, files: Sequence[Path], tell: Callable[[Ending], None]) -> tuple[Ending, ...]:
    """Upload files to a running site, and tell how each ends as soon as it does."""
    client = Client(site.url, username=site.username, password=site.password)
    with ThreadPoolExecutor(UPLOADS_AT_A_TIME) as pool:
        answers = list(pool.map(client.upload, files))
    ended = dict(_refusals(files, answers))
    for refused in ended.values():
        tell(refused)
    waiting = {
        str(answer.body["id"]): file.name
        for file, answer in zip(files, answers, strict=True)
        if answer.status == CREATED
    }
    ended |= _followed(client, waiting, tell)
    return tuple(ended[file.name] for file in files)


def _refusals(files: Sequence[Path], answers: Sequence[Answer]) -> Iterator[tuple[str, Ending]]:
    for file, answer in zip(files, answers, strict=True):
        if answer.status != CREATED:
            state = "crashed" if answer.status >= SERVER_ERROR else "refused"
            sentence = str(answer.body.get("detail", f"status {answer.status}"))
            yield file.name, Ending(file.name, state, sentence)


def _followed(
    client: Client, waiting: dict[str, str], tell: Callable[[Ending], None]
) -> dict[str, Ending]:
    """Poll the documents (id to file name) until each has ended or nothing moves any more."""
    ended: dict[str, Ending] = {}
    last: dict[str, tuple] = {}
    left, moved_at = dict(waiting), time.monotonic()
    while left and time.monotonic() - moved_at < STILL_SECONDS:
        for key, name in list(left.items()):
            body = client.get(f"/documents/{key}/").body
            progress = (body.get("state"), body.get("pages_done"), str(body.get("progress")))
            if progress != last.get(key):
                last[key], moved_at = progress, time.monotonic()
            if body.get("state") in FINAL:
                ended[name] = _ending(name, body)
                tell(ended[name])
                del left[key]
        time.sleep(POLL_SECONDS)
    hung = {name: Ending(name, "hung", str(last.get(key))) for key, name in left.items()}
    return ended | hung


def _ending(name: str, body: dict) -> Ending:
    sentence = str(body["error"] or body["progress"]["label"])
    state = "crashed" if NOT_FORESEEN in sentence else str(body["state"])
    return Ending(name, state, sentence)


def _workers_lost(site: Site, seen: Watched) -> int:
    """Count the worker's processes that died, seen by their going or by the worker's log."""
    gone: list[Process] = [
        process
        for process, (kind, _) in seen.peaks.items()
        if kind in ("worker", "web", "redis") and seen.looks[process] > 1 and not process.is_alive()
    ]
    return max(len(gone), site.output.count("WorkerLostError"))


if __name__ == "__main__":
    main()
