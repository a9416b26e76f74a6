"""The program that reads files: `python -m ingestion.parse_child inspect|convert|parse`.

It alone opens what people upload, under limits, and dies with its parent. Requests come on
stdin, one JSON object a line; answers go to stdout as ingestion.wire messages.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from ingestion import conversion, media_types, page_store, wire
from ingestion.ocr import Reader
from ingestion.page_parsing import parse_page
from ingestion.pdf import CannotOpen, PdfFile
from ingestion.pdf_library import PdfError, load_library

MEGABYTE = 1024 * 1024
PART_BYTES = 4 * MEGABYTE
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve requests until stdin ends."""
    mode, parent, memory_mb = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _die_with(parent)
    answers = _own_stdout()
    _limit(memory_mb)
    try:
        _serve(mode, sys.stdin.buffer, answers)
    except MemoryError:
        # Nothing that needs memory can be relied on any more.
        os._exit(wire.OUT_OF_MEMORY)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("The parent is gone.")


def _own_stdout() -> BinaryIO:
    """Keep stdout for answers, and send what libraries print to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _fall_silent() -> None:
    """Drop what is printed from now on: nobody reads it, and a full pipe would stop the work."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.close(silence)


def _limit(memory_mb: int) -> None:
    # What is reserved but never touched (thread arenas, models mapped from disk) counts as
    # address space and not as data: only the limit on data measures what a page costs.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * MEGABYTE, memory_mb * MEGABYTE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _write_nothing() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _serve(mode: str, requests: BinaryIO, answers: BinaryIO) -> None:
    opening = json.loads(requests.readline())
    path, password = Path(opening["path"]), str(opening["password"])
    kind = media_types.BY_NAME[opening["media_type"]]
    # What cannot be imported is told on stderr, where the parent looks when a child ends at once.
    load_library(layout=mode == "parse")
    _fall_silent()
    # Not before: Python keeps what it compiled of the libraries, which takes as long as the rest
    # of the start.
    _write_nothing()
    try:
        if mode == "inspect":
            facts = conversion.facts(path, kind, password=password)
            _answer(answers, {"facts": page_store.facts_as_json(facts)})
        elif mode == "convert":
            _answer_file(conversion.pdf_bytes(path, kind, password=password), answers)
        else:
            _serve_pages(path, password, requests, answers)
    except CannotOpen as exc:
        _answer(answers, {"code": exc.code, "error": str(exc)})


def _answer_file(data: bytes, answers: BinaryIO) -> None:
    for start in range(0, len(data), PART_BYTES):
        _answer(answers, {"left": len(data) - start}, [data[start : start + PART_BYTES]])
    _answer(answers, {"left": 0})


def _serve_pages(path: Path, password: str, requests: BinaryIO, answers: BinaryIO) -> None:
    reader = Reader()
    with PdfFile(path, password=password) as file:
        _answer(answers, {"ready": True})
        for line in requests:
            _answer_page(file, int(json.loads(line)["page"]), reader, answers)
            _give_back()


def _give_back() -> None:
    """Give memory that a page no longer needs back to the system, where the C library can.

    glibc keeps it in pieces: after 160 pages, a few of them scans, a child held 717 MB without
    this and 408 with it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _answer_page(file: PdfFile, number: int, reader: Reader, answers: BinaryIO) -> None:
    try:
        with file.page(number) as page:
            content = parse_page(page, outline=file.outline_levels(number), reader=reader)
    except PdfError:
        sentence = f"Page {number} could not be read: it is damaged."
        _answer(answers, {"page": number, "error": sentence})
        return
    _answer(
        answers,
        {
            "page": number,
            "content": page_store.content_as_json(content),
            "images": [
                {
                    "name": image.name,
                    "media_type": image.media_type,
                    "width": image.width,
                    "height": image.height,
                }
                for image in content.images
            ],
        },
        [image.data for image in content.images],
    )


def _answer(answers: BinaryIO, data: dict[str, Any], blobs: list[bytes] | None = None) -> None:
    answers.write(wire.encode(data, blobs or ()))
    answers.flush()


if __name__ == "__main__":
    main()
