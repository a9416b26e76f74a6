"""Sentences of a question that say how to answer it, and nothing of what is looked for. Pure."""

from __future__ import annotations

import re

_SENTENCES = re.compile(r"(?<=[.?!])\s+")
_FORMAT = re.compile(
    r"\b(answers?|format(ted)?|integers?|decimals?|float|ascending|descending|round(ed)?|json|"
    r"yyyy|alphabetical\w*)\b",
    re.IGNORECASE,
)
_INSTRUCTS = re.compile(
    r"^\s*(please\s+)?(write|format|save|give|return|provide|round|directly|answer|present|"
    r"express|calculate|(the|your) answer|if )\b",
    re.IGNORECASE,
)
# "If that is not a useful metric for a company like this, then state that and explain why."
_IF_NOT = re.compile(
    r"^\s*if\b.*\b(?:not|no|cannot|unable|unclear)\b.*\b(?:state|say|explain|mention|tell|answer)\b",
    re.IGNORECASE,
)


def without(question: str) -> str:
    """Return the question without such sentences; all of it, where there is nothing else."""
    kept = [part for part in _SENTENCES.split(question.strip()) if not _is_aside(part)]
    return " ".join(kept) or question


def _is_aside(sentence: str) -> bool:
    about_form = _INSTRUCTS.search(sentence) and _FORMAT.search(sentence)
    return bool(about_form or _IF_NOT.search(sentence))
