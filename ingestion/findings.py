"""What an examination finds wrong, for the index doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    `code` names the kind, `where` the space or folder, `count` how many there are;
    `sentence` says it to a person, and `repair` what a repair would do.
    """

    code: str
    where: str
    count: int
    sentence: str
    repair: str
