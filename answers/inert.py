"""Markdown that leaves the site: no image, link or tag of it leads anywhere. Pure.

A planted instruction could make a model write an image whose address carries what it read, and
whoever shows the Markdown would fetch it. The page has no links and images for that reason.
"""

from __future__ import annotations

import re

# Tags that carry no address: a model breaks a table cell's lines with <br>.
_BARE_TAG = r"/?(?!(?:script|style)\b)[a-z][a-z0-9-]{0,20} ?/?>"
_LIVE = re.compile(rf"\](?=[(:])|<(?=[a-z/!?])(?!{_BARE_TAG})", re.IGNORECASE)
# What may become one of those, at the end of a text that is still growing.
_OPEN = re.compile(r"(?:\]|</?(?:[a-z][a-z0-9-]{0,20} ?/?)?)$", re.IGNORECASE)


def inert(markdown: str) -> str:
    """Put a space into what would be a link, an image, a link's definition, or a tag.

    In code too: what is code and what is not, each program decides for itself.
    """
    return _LIVE.sub(r"\g<0> ", markdown)


class Inertly:
    """Makes a text inert that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""

    def take(self, piece: str) -> str:
        """Return what is ready after this piece; what may become a link waits."""
        text = self._held + piece
        found = _OPEN.search(text)
        cut = found.start() if found else len(text)
        self._held = text[cut:]
        return inert(text[:cut])

    def rest(self) -> str:
        """Return what still waits, at the end of the text."""
        ready, self._held = self._held, ""
        return inert(ready)
