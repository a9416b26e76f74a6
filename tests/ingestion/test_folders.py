"""Files of this machine: which are found, and that an odd one does not stop the others."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from rich.console import Console

from ingestion import folders, terminal
from ingestion.following import result_of_refusal
from tests.factories import pdf_bytes


def test_hidden_unfinished_and_other_files_are_left_out(tmp_path: Path) -> None:
    for name in ("a.pdf", "sub/b.pdf", ".hidden.pdf", "c.pdf.part", "d.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"PK\x03\x04" if "zip" in name else pdf_bytes())
    (tmp_path / "gone.pdf").symlink_to(tmp_path / "nowhere")
    found = folders.find([tmp_path])
    assert found.files == (tmp_path / "a.pdf", tmp_path / "sub" / "b.pdf")
    assert found.left_out == (tmp_path / "d.zip",)


def test_what_cannot_be_looked_at_is_told_when_it_is_submitted(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_bytes())
    look = Path.stat

    def stat(path: Path, **options: object) -> os.stat_result:
        if path.name == "a.pdf":
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return look(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    (file,) = folders.find([tmp_path]).files
    refused = folders.submit(file, collection=None, owner=None).refused
    assert (refused.code, refused.reason) == (
        "unreadable",
        "It cannot be read: Stale file handle.",
    )


def test_a_name_that_is_not_utf8_is_refused_and_can_be_printed(tmp_path: Path, capsys) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.pdf"))
    file.write_bytes(pdf_bytes())
    outcome = folders.submit(file, collection=None, owner=None)
    assert outcome.refused.code == "unreadable"
    console = Console(width=80)
    with terminal.Display(console) as display:
        display.over(result_of_refusal(outcome))
    terminal.summary(console, [result_of_refusal(outcome)])
    assert capsys.readouterr().out.count("b?.pdf") == 2
