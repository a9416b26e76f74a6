"""Measure pages per second beside pymupdf4llm and plain text, on one core and on two.

    python -m benchmarks.parsing_speed --data DIR [--pages N] [--files N]

DIR holds folders with `pdfs/` in them. Every parser reads the same pages, each document in a
fresh process, start-up included. Pagewise extracts figures, tables, boxes and page images
meanwhile; pymupdf4llm writes Markdown without images. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ingestion.parsing import Limits, inspect, parse_pages

LIMITS = Limits(memory_mb=2048, page_seconds=300)
# Born-digital, slides, and scans, as far as the folders hold them.
FOLDERS = {"contoso": 4, "mmlongbench": 5, "financebench": 2, "nv_ingest": 1}
PEER = "import pymupdf4llm; pymupdf4llm.to_markdown({path!r}, pages={pages})"
PLAIN = (
    "import sys; sys.modules['pymupdf.layout'] = None; import pymupdf; "
    "document = pymupdf.open({path!r}); [document[n].get_text() for n in {pages}]"
)


def main() -> None:
    arguments = _arguments()
    work = list(_work(arguments.data, arguments.pages))[: arguments.files]
    report: dict[str, float] = {}
    available = sorted(os.sched_getaffinity(0))
    for cores in (1, 2):
        if cores > len(available):
            print(f"This machine has no {cores} cores.")
            continue
        os.sched_setaffinity(0, available[:cores])
        report.update(_measure(work, cores))
    print(json.dumps(report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=8, help="pages of each document")
    parser.add_argument("--files", type=int, default=12, help="documents")
    return parser.parse_args()


def _work(data: Path, pages: int) -> Iterator[tuple[Path, list[int]]]:
    """Yield documents and the pages (from 1) to read, evenly spread."""
    for folder, most in FOLDERS.items():
        files = sorted({*(data / folder).glob("pdfs/*.pdf"), *(data / folder).glob("*.pdf")})
        step = max(1, len(files) // most)
        for path in files[::step][:most]:
            count = inspect(path, limits=LIMITS).page_count
            stride = max(1, count // pages)
            yield path, list(range(1, count + 1, stride))[:pages]


def _measure(work: Sequence[tuple[Path, list[int]]], cores: int) -> dict[str, float]:
    pages = sum(len(numbers) for _, numbers in work)
    totals = {"": 0.0, "peer_": 0.0, "plain_": 0.0}
    for path, numbers in work:
        seconds = {
            "": _ours(path, numbers, cores),
            "peer_": _timed(PEER, path, numbers),
            "plain_": _timed(PLAIN, path, numbers),
        }
        print(
            f"{cores} core{'s' * (cores > 1)}, {path.name[:40]}, {len(numbers)} pages: "
            f"{seconds['']:.1f} s, peer {seconds['peer_']:.1f} s, plain {seconds['plain_']:.1f} s",
            flush=True,
        )
        for name, value in seconds.items():
            totals[name] += value
    suffix = "" if cores == 1 else f"_{cores}"
    speeds = {f"{name}pages_per_s{suffix}": pages / total for name, total in totals.items()}
    speeds[f"ratio{suffix}"] = totals["peer_"] / totals[""]
    return {name: round(value, 3) for name, value in speeds.items()}


def _ours(path: Path, numbers: list[int], cores: int) -> float:
    start = time.perf_counter()
    for outcome in parse_pages(path, numbers, limits=LIMITS, processes=cores):
        if outcome.content is None:
            sys.exit(f"{path.name}: {outcome.error}")
    return time.perf_counter() - start


def _timed(script: str, path: Path, numbers: list[int]) -> float:
    start = time.perf_counter()
    code = script.format(path=str(path), pages=[number - 1 for number in numbers])
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
