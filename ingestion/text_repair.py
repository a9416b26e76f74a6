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
# Where the fonts Symbol and Wingdings keep the bullets of lists: signs of their own, which other
# fonts draw as an empty box.
BULLETS = {
    "\uf0b7": "•",
    "\uf0a7": "▪",
    "\uf0a8": "▫",
    "\uf06f": "▫",
    "\uf06e": "▪",
    "\uf06c": "●",
    "\uf09f": "•",
    "\uf0d8": "➢",
    "\uf076": "❖",
    "\uf0fc": "✓",
    "\uf0e0": "→",
    "\uf0e8": "→",
}
# Where TeX's two common encodings keep them. Fonts of dots, and others that do not name their
# glyphs, show these codes and nothing else.
TEX_LIGATURES = {
    **dict(zip("\x0b\x0c\x0d\x0e\x0f", ("ff", "fi", "fl", "ffi", "ffl"), strict=True)),
    **dict(zip("\x1b\x1c\x1d\x1e\x1f", ("ff", "fi", "fl", "ffi", "ffl"), strict=True)),
}
# Small capitals and old-style figures, where the Adobe Glyph List puts them: the Latin-1
# code of the sign that they are a form of, moved by this much.
SMALL_FORMS = 0xF700
SOFT_HYPHEN = "\u00ad"
# Everything that draws nothing: controls, lone surrogates, the byte order mark, and the
# zero-width space. Joiners stay, since scripts need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200b\u2060\ufeff\ufffe\uffff]"
)
_SPACES = re.compile(r"\s+")
_BULLETS = str.maketrans(BULLETS)
_LIGATURE = re.compile(f"[{''.join(LIGATURES)}]")
_SMALL_FORM = re.compile(
    "[\uf721\uf724\uf726\uf730-\uf739\uf73f\uf761-\uf77a\uf7a1\uf7a2\uf7bf-\uf7ff]"
)


def clean(text: str) -> str:
    """Return text composed: ligatures spelt out, bullets drawn, spaces single, nothing unseen."""
    text = _INVISIBLE.sub("", text).translate(_BULLETS)
    text = _LIGATURE.sub(lambda match: LIGATURES[match.group()], text)
    text = _SMALL_FORM.sub(lambda match: chr(ord(match.group()) - SMALL_FORMS).upper(), text)
    # A soft hyphen that is drawn ends a line; elsewhere it is not seen.
    inner = text.rstrip(SOFT_HYPHEN)
    text = inner.replace(SOFT_HYPHEN, "") + ("-" if inner != text else "")
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text)).strip()


def tex_ligature(before: str, char: str, after: str) -> str:
    """Return the letters that a control character between letters stands for, or nothing.

    `before` and `after` are its neighbours, empty where it begins or ends what is written.
    Of the ligatures only "ff" ends words.
    """
    letters = TEX_LIGATURES.get(char, "")
    ends_word = letters == "ff" and before.islower() and not after.isalnum()
    return letters if after.islower() or ends_word else ""
