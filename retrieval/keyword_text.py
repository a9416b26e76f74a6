"""Prepare text for the keyword index; documents and queries go through the same steps.

The index's analyzer then splits it into words, folds case and accents, and stems. Numbers
lose their thousands separators, compounds are also indexed in one word ("10-K" is found by
"10K", "e-mail" by "email"), and scripts without spaces are cut into pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata

# Part of the index's identity: raise it when a change here changes what is indexed.
ANALYSIS = 2

SOFT_HYPHEN = "\u00ad"
# Words that carry a question and not its subject; left out of queries, kept in the index.
STOP_WORDS = """
    a about all also am an and any are as at be been being between but by can could did do does
    doing each for from give given had has have having he her him his how i if in into is it its
    itself just many may me might more most much must my no not of on only or other our over
    please shall she should show so some such tell than that the their them then there these
    they this those through to too under us was we were what when where which while who whom
    whose why will with would you your
""".split()  # noqa: SIM905

_THOUSANDS = re.compile(r"(?<=\d)[,'’\u202f\u00a0](?=\d{3}(?!\d))")
_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b", re.IGNORECASE)
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
# Possessive and anchored, so that time stays linear in whatever people paste into a query.
_COMPOUND = re.compile(r"(?<!\w)\w++(?:[-\u2010\u2011&]\w++)+")
_JOINER = re.compile(r"[-\u2010\u2011&]")
# A character of a script that is written without spaces.
UNSPACED = r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_UNSPACED = re.compile(rf"{UNSPACED}+")


_NAME_JOINTS = re.compile(
    r"[_\-.+]+|(?<=[a-z])(?=[A-Z])|(?<=(?:19|20)\d\d)(?=[A-Za-z])|(?<=[A-Za-z])(?=(?:19|20)\d\d)"
)


def name_words(title: str, filename: str) -> str:
    """Return the words of a document's names, as "NIKE 2019 10K" of "NIKE_2019_10K.pdf".

    They are indexed with each of its chunks, so that a company, a product or a year that the
    question names leads to the document, also where the passage itself does not repeat it.
    """
    stem = filename.rpartition(".")[0] or filename
    words = [word for name in (title, stem) for word in _NAME_JOINTS.sub(" ", name).split()]
    return " ".join(dict.fromkeys(words))


def prepare(text: str) -> str:
    """Return the text with numbers, compounds and unspaced scripts made searchable."""
    text = _THOUSANDS.sub("", text.replace(SOFT_HYPHEN, ""))
    text = unicodedata.normalize("NFKC", text)
    text = _APOSTROPHE.sub("", _POSSESSIVE.sub("", text))
    text = _COMPOUND.sub(_also_joined, text)
    return _UNSPACED.sub(_in_pairs, text)


def _also_joined(match: re.Match[str]) -> str:
    compound = match.group()
    return f"{compound} {_JOINER.sub('', compound)}"


def _in_pairs(match: re.Match[str]) -> str:
    run = match.group()
    pairs = [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    return f" {' '.join(pairs)} "
