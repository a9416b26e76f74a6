"""The headers of tus 1.0, the protocol of uploads that can be resumed.

Source: https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,expiration,checksum"
PART_TYPE = "application/offset+octet-stream"
ALGORITHMS = ("sha1", "sha256", "md5")


class Malformed(ValueError):
    """A header that is not as the protocol says; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a part must hash to."""

    algorithm: str
    digest: bytes


def metadata(header: str) -> dict[str, str]:
    """Read Upload-Metadata: names, each with a text in base64, between commas.

    Raises Malformed.
    """
    found = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as exc:
            raise Malformed(f"“{name[:80]}” of Upload-Metadata is no text in base64.") from exc
    return found


def checksum(header: str) -> Checksum | None:
    """Read Upload-Checksum: an algorithm, and the digest in base64. Raises Malformed."""
    if not header:
        return None
    algorithm, _, value = header.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise Malformed(f"Upload-Checksum begins with one of {', '.join(ALGORITHMS)}.")
    try:
        return Checksum(algorithm, base64.b64decode(value, validate=True))
    except binascii.Error as exc:
        raise Malformed("Upload-Checksum holds no digest in base64.") from exc


def offset(header: str) -> int:
    """Read Upload-Offset. Raises Malformed."""
    if not (header.isascii() and header.isdecimal()) or len(header) > 18:
        raise Malformed("Upload-Offset must be a number of bytes.")
    return int(header)
