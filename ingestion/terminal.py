"""What `manage.py ingest` shows: bars while documents are on their way, and a table at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from ingestion.following import Result, Step
from ingestion.models import DocumentState

# More bars than this push the total off the screen.
MOST_BARS = 8
# Longer tables list only what is not simply ready.
LONGEST_TABLE = 40
# By the word for what became of a file.
STYLES = {"Ready": "green", "Already there": "dim", "Failed": "red", "Refused": "red"}


class Display:
    """Bars on a terminal; plain lines, one per document, where the output is no terminal."""

    def __init__(self, console: Console, *, total: int | None = None) -> None:
        self._console = console
        self._bars: dict[Path, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._total, self._over = total, 0
        self._all = self._progress.add_task("", total=total, visible=total is not None)

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, text: str, style: str = "") -> None:
        self._progress.console.print(escape(text), style=style, highlight=False)

    def follow(self, steps: Sequence[Step]) -> None:
        """Show how far documents are."""
        for step in steps:
            if step.is_over:
                self._remove_bar(step.path)
            else:
                self._show_bar(step)

    def _show_bar(self, step: Step) -> None:
        assert step.document is not None
        moving = step.document.state != DocumentState.QUEUED
        if step.path not in self._bars and moving and len(self._bars) < MOST_BARS:
            self._bars[step.path] = self._progress.add_task("", total=100)
        if step.path in self._bars:
            self._progress.update(
                self._bars[step.path],
                description=f"{escape(_name(step.path))}  [dim]{escape(step.progress.label)}",
                completed=round(100 * step.progress.fraction),
            )

    def _remove_bar(self, path: Path) -> None:
        if path in self._bars:
            self._progress.remove_task(self._bars.pop(path))

    def over(self, result: Result) -> None:
        """Say that a file has gone its way, and how."""
        self._over += 1
        said = f"{self._over} of {self._total} files"
        self._progress.update(self._all, completed=self._over, description=said)
        detail = f": {result.detail}" if result.detail else ""
        self.say(f"{_name(result.path)}: {result.word}{detail}", STYLES.get(result.word, ""))


def _name(path: Path) -> str:
    """Return the file's name as far as it can be printed: on a disk it may be of any bytes."""
    return path.name.encode(errors="replace").decode()


def summary(console: Console, results: Sequence[Result], *, left_out: int = 0) -> None:
    """Print the table of all files, or of those of which there is something to say."""
    table = Table(title="Summary", title_justify="left")
    for name, folds in (("File", True), ("Result", False), ("", True)):
        table.add_column(name, overflow="fold", no_wrap=not folds)
    for result in results:
        remarkable = result.word not in ("Ready", "Already there") or "skipped" in result.detail
        if remarkable or len(results) <= LONGEST_TABLE:
            word = f"[{STYLES.get(result.word, 'yellow')}]{escape(result.word)}"
            table.add_row(escape(_name(result.path)), word, escape(result.detail))
    if table.row_count:
        console.print(table)
    counts = Counter(result.word for result in results)
    said = [f"{count} {word.lower()}" for word, count in counts.most_common()]
    if left_out:
        said.append(f"{left_out} of other kinds left out")
    files = len(results) + left_out
    console.print(f"{files} file{'s' if files != 1 else ''}: {', '.join(said) or 'nothing to do'}.")
