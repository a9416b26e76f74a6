"""What to do so that documents are in step with the files of a folder: pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    """A document that was made of a file of the folder; `pk` grows with time."""

    pk: int
    path: Path
    sha256: str
    size: int = 0
    is_active: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Files to submit, documents to delete, and documents whose file was moved."""

    submit: tuple[Path, ...] = ()
    delete: tuple[int, ...] = ()
    move: tuple[tuple[int, Path], ...] = ()


def plan(
    files: Mapping[Path, str | None],
    held: Sequence[Held],
    *,
    unfinished: Collection[int] = (),
    is_out_of_sight: Callable[[Path], bool] = lambda path: False,
) -> Plan:
    """Compare files (path to SHA-256, None while it is being written) with documents.

    A file that changed is submitted, and the document of its former content is deleted when
    the new one has gone its way. A file that was moved keeps its document; one that has the
    bytes of another needs none. Where one cannot look (`is_out_of_sight`), nothing counts as
    deleted; nor does what has the size of a file that is being written (`unfinished`): that may
    be the one that was moved.
    """
    by_content = {document.sha256: document for document in held}
    fitting = {document.path for document in held if files.get(document.path) == document.sha256}
    wanted = {path: sha for path, sha in files.items() if sha and path not in fitting}
    free = {
        document.sha256: document
        for document in held
        if document.path not in fitting or files[document.path] != document.sha256
        if not is_out_of_sight(document.path)
        if document.path not in files or files[document.path]
    }
    moves = tuple((free.pop(sha).pk, path) for path, sha in wanted.items() if sha in free)

    def is_done_with(document: Held) -> bool:
        """Tell whether what the file holds now has a document that has gone its way."""
        if document.path not in files:
            return document.size not in unfinished
        successor = by_content.get(files[document.path] or "")
        return bool(successor and not successor.is_active)

    return Plan(
        submit=tuple(path for path, sha in wanted.items() if sha not in by_content),
        delete=tuple(sorted(document.pk for document in free.values() if is_done_with(document))),
        move=moves,
    )
