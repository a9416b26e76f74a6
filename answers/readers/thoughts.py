"""Keep what a reasoning model thinks aloud out of its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

OPEN, CLOSE = "<think>", "</think>"


def without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces of an answer without a <think> part at its beginning.

    Only text that may still turn out to be such a part is held back.
    """
    source = iter(pieces)
    head = ""
    for piece in source:
        head = (head + piece).lstrip()
        if head.startswith(OPEN) and CLOSE not in head:
            # What is thought is dropped as it comes; its end may be cut between pieces.
            head = OPEN + head[len(OPEN) :][-len(CLOSE) :]
        elif not OPEN.startswith(head):
            break
    if head.startswith(OPEN):
        _, found, head = head.partition(CLOSE)
        head = head.lstrip() if found else ""
    if head:
        yield head
    yield from source
