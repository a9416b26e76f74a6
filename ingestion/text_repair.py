"""Mend what typesetting did to text: ligatures, odd spaces, control characters."""

from __future__ import annotations

import re
import unicodedata

LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
SOFT_HYPHEN = "\u00ad"
# Everything that draws nothing: controls, lone surrogates, the byte order mark, and the
# zero-width space. Joiners stay, since scripts need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200b\u2060\ufeff\ufffe\uffff]"
)
_SPACES = re.compile(r"\s+")
_LIGATURE = re.compile(f"[{''.join(LIGATURES)}]")


def clean(text: str) -> str:
    """Return text in composed form, ligatures spelt out, spaces single, nothing invisible."""
    text = _INVISIBLE.sub("", text)
    text = _LIGATURE.sub(lambda match: LIGATURES[match.group()], text)
    # A soft hyphen that is drawn ends a line; elsewhere it is not seen.
    inner = text.rstrip(SOFT_HYPHEN)
    text = inner.replace(SOFT_HYPHEN, "") + ("-" if inner != text else "")
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text)).strip()
