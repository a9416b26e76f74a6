"""Messages between the parsing child and its parent: JSON with raw bytes behind it.

A message is the length of its JSON (4 bytes, big-endian), the JSON, and the blobs that the
JSON counts in "blobs". Nothing in it can run code: the child reads hostile files, and what
it says is checked like any other input.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# The status of a child that ended because it ran out of memory, in place of an answer.
OUT_OF_MEMORY = 86
MOST_JSON = 32 * 1024 * 1024
MOST_BLOBS = 128 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class WireError(Exception):
    """What came is no message."""


@dataclass(frozen=True, slots=True)
class Message:
    data: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


def encode(data: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """Return the bytes of one message."""
    head = {**data, "blobs": [len(blob) for blob in blobs]}
    text = json.dumps(head, ensure_ascii=True, separators=(",", ":")).encode()
    return b"".join([_LENGTH.pack(len(text)), text, *blobs])


class Decoder:
    """Collects bytes as they come and gives back whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: dict[str, Any] | None = None
        self._sizes: list[int] = []

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add bytes; yield the messages they complete. Raises WireError on nonsense."""
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Message | None:
        if self._head is None and not self._read_head():
            return None
        if len(self._buffer) < sum(self._sizes):
            return None
        blobs = []
        for size in self._sizes:
            blobs.append(bytes(self._buffer[:size]))
            del self._buffer[:size]
        head, self._head = self._head, None
        assert head is not None
        return Message(head, tuple(blobs))

    def _read_head(self) -> bool:
        if len(self._buffer) < _LENGTH.size:
            return False
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > MOST_JSON:
            raise WireError(f"a message of {length} bytes")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return False
        try:
            head = json.loads(self._buffer[_LENGTH.size : end])
            sizes = [int(size) for size in head.pop("blobs")]
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise WireError("not a message") from exc
        if min(sizes, default=0) < 0 or sum(sizes) > MOST_BLOBS:
            raise WireError("blobs of impossible size")
        del self._buffer[:end]
        self._head, self._sizes = head, sizes
        return True
