"""Hostile files through the real upload and worker: the fast form of benchmarks/hostile.py."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks import hostile
from tests.hostile_files import hostile_files

pytestmark = [pytest.mark.once, pytest.mark.services, pytest.mark.xdist_group("hostile")]

PER_CATEGORY = 1
# What the words of each refusal must hold: encrypted is not corrupt is not empty.
REFUSALS = {
    "empty.pdf": "is empty",
    "page_of_html.pdf": "kind of file is not taken",
    "only_a_head.pdf": "damaged",
    "protected.pdf": "password",
    "no_pages.pdf": "no pages",
    "lost_pages.pdf": "damaged",
}
LIMITS = {"PARSE_PAGE_SECONDS": "8", "PARSE_MEMORY_MB": "1024"}


def check(report: hostile.Report) -> None:
    """Nothing crashed, hung, stayed or grew past its limit, and every file has its sentence."""
    summary = report.summary()
    assert [summary[name] for name in ("crashes", "hangs", "orphans")] == [0, 0, 0], report
    assert summary["max_rss_mb"] < 1.5 * int(LIMITS["PARSE_MEMORY_MB"])
    assert all(ending.sentence for ending in report.endings), report


def test_files_made_to_break_their_reader(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, data in hostile_files().items():
        (folder / name).write_bytes(data)
    report = hostile.run(sorted(folder.iterdir()), tmp_path / "site", **LIMITS)
    check(report)
    ended = {ending.file: ending for ending in report.endings}
    for name, words in REFUSALS.items():
        assert (ended[name].state, words in ended[name].sentence) == ("refused", True), ended[name]
    assert ended["runs_a_script.pdf"].state == "ready"
    # Tried twice, each time in a process that had to be killed over it.
    assert ended["one_bad_page_of_three.pdf"].sentence == "Ready, 1 page skipped"


def test_files_that_broke_other_programs(evaldata: Path, tmp_path: Path) -> None:
    report = hostile.run(_some_of_each_kind(evaldata / "hostile_pdfs"), tmp_path, **LIMITS)
    check(report)
    assert {"ready", "refused"} <= {ending.state for ending in report.endings}


def _some_of_each_kind(folder: Path) -> list[Path]:
    found: dict[str, list[Path]] = defaultdict(list)
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found[entry["category"]].append(folder / "files" / entry["file"])
    return [file for files in found.values() for file in files[:PER_CATEGORY]]
