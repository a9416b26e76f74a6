"""Do two texts say opposite things? Told by what each denies, and by words for opposites. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from answers.words import content_words, stem

# What a denial reaches: so many words that carry a meaning, and no farther than its clause.
REACH = 5
MOSTLY = 0.6
_DENIAL = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|without|cannot|\w+n[’']t|kein\w*|nicht|nie)\b",
    re.IGNORECASE,
)
_NO_DENIAL = re.compile(
    r"\b(?:not\s+(?:only|just|merely|limited\s+to|necessarily|least)"
    r"|no\s+(?:more|less|later|fewer|earlier)\s+than|no\s+longer\s+than|no\.?\s*\d"
    r"|no\s+matter|whether\s+or\s+not)",
    re.IGNORECASE,
)
# Verbs and the like that deny by themselves, also what stands before them.
_REFUSING = re.compile(
    r"\b(?:exclu\w+|except\w*|fail\w*|lack\w*|unable|unless|prohibit\w*|forb[ai]d\w*|prevent\w*"
    r"|den(?:y|ies|ied|ial)|reject\w*|refus\w*|avoid\w*|absen\w+|missing|omit\w*|ineligible|free\s+of"
    r"|instead|rather|only|non\w*|un(?!der|til|it|ion|iq|iv)\w{4,}|limit\w*|restrict\w*|hardly|barely|rarely|few|little)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:.!?()\n]+(?=\s|$)|\s[–—]\s"
    r"|\b(?:but|while|although|though|whereas|if|because|when|unless|however|which|who|that)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Denials:
    """The stems that a text denies, a set for each denial; those of each clause that refuses.

    `heads` are the first words of each denial: what it denies, of what comes behind.
    """

    denied: tuple[frozenset[str], ...]
    heads: tuple[str, ...]
    refused: tuple[frozenset[str], ...]

    @property
    def is_plain(self) -> bool:
        """Whether the text denies nothing."""
        return not self.denied and not self.refused

    def touch(self, head: str, words: frozenset[str]) -> bool:
        """Tell whether what another text denies is denied here, or most of it refused."""
        return any(
            head in denied or len(words & denied) >= MOSTLY * len(words) for denied in self.denied
        ) or any(len(words & refused) >= MOSTLY * len(words) for refused in self.refused)


@lru_cache(maxsize=4096)
def denials(text: str) -> Denials:
    """Find what a text denies."""
    denied: list[list[str]] = []
    refused: list[frozenset[str]] = []
    for clause in _clauses(text):
        blind = _NO_DENIAL.sub(lambda match: " " * len(match.group()), clause)
        for match in _DENIAL.finditer(blind):
            reached = content_words(clause[match.end() :])[:REACH]
            denied.append([stem(word) for word in reached])
        if _REFUSING.search(clause):
            refused.append(frozenset(stem(word) for word in content_words(clause)))
    denied = [found for found in denied if found]
    return Denials(
        tuple(map(frozenset, denied)), tuple(found[0] for found in denied), tuple(refused)
    )


def denied_by(text: str, own: frozenset[str], lines: Sequence[str]) -> bool:
    """Tell whether each of these lines denies what a text, of these stems, says as a fact."""
    return (
        denials(text).is_plain
        and bool(lines)
        and all(any(_mostly(denied, own) for denied in denials(line).denied) for line in lines)
    )


def _mostly(denied: frozenset[str], own: frozenset[str]) -> bool:
    return len(denied & own) >= max(2, MOSTLY * len(denied))


def _clauses(text: str) -> Iterator[str]:
    start = 0
    for match in _CLAUSE.finditer(text):
        yield text[start : match.start()]
        start = match.start() if match.group()[:1].isalpha() else match.end()
    yield text[start:]


def _sides(one: str, other: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return tuple(re.compile(rf"\b(?:{side})\b", re.IGNORECASE) for side in (one, other))  # type: ignore[return-value]


_OPPOSITES: Sequence[tuple[re.Pattern[str], re.Pattern[str]]] = (
    _sides(
        r"increas\w*|rose|ris(?:e|es|en|ing)|grew|grow\w*|higher|climb\w*|gain(?:s|ed)?|up"
        r"|expand\w*|jump(?:s|ed)?|surg(?:e|es|ed|ing)|improv\w*|rais(?:e|es|ed|ing)|more",
        r"decreas\w*|fell|fall(?:s|en|ing)?|declin\w*|drop(?:s|ped)?|lower(?:s|ed|ing)?|reduc\w*"
        r"|shr[aiu]nk\w*|down|worsen\w*|deteriorat\w*|fewer|less|cut",
    ),
    _sides(r"above|exceed\w*|over", r"below|under|beneath"),
    _sides(r"before|prior to|earlier", r"after|following|later"),
    _sides(r"maximum|at most|up to|no more than", r"minimum|at least|no less than"),
    _sides(r"includ\w*|cover(?:s|ed|ing)?", r"exclud\w*|exclusions?"),
    _sides(r"allow\w*|permit\w*", r"prohibit\w*|forbid\w*|forbidden|disallow\w*"),
    _sides(r"largest|highest|biggest|greatest|most", r"smallest|lowest|least|fewest"),
    _sides(r"always", r"never"),
    _sides(r"profits?|gains?", r"loss(?:es)?"),
    _sides(r"positive\w*", r"negative\w*"),
    _sides(r"enabl\w*|turn(?:s|ed)? on|switch(?:es|ed)? on", r"disabl\w*|turn(?:s|ed)? off"),
    _sides(r"in-network", r"out-of-network"),
    _sides(r"required|mandatory|compulsory", r"optional|voluntary"),
    _sides(r"left", r"right"),
    _sides(r"men|males?", r"women|females?"),
    _sides(r"buy(?:s|ing)?|bought|purchas\w*", r"sell(?:s|ing)?|sold"),
    _sides(r"import(?:s|ed)?", r"export(?:s|ed)?"),
    _sides(r"open(?:s|ed|ing)?", r"clos(?:e|es|ed|ing)"),
    _sides(r"accept\w*|approv\w*", r"reject\w*|declin\w*|refus\w*"),
    _sides(r"strong\w*|strengthen\w*", r"weak\w*"),
    _sides(r"internal\w*", r"external\w*"),
    _sides(r"minor(?:s|ity)?", r"major(?:ity)?"),
    _sides(r"shorter|short-term", r"longer|long-term"),
)


def opposed(said: str, source: str) -> bool:
    """Tell whether one text has a word, and the other only its opposite: "rose" and "fell".

    What denies something is left out: "does not cover" and "excludes" say the same.
    """
    if denials(said).denied or denials(source).denied:
        return False
    for one, other in _OPPOSITES:
        own = (bool(one.search(said)), bool(other.search(said)))
        theirs = (bool(one.search(source)), bool(other.search(source)))
        if own in ((True, False), (False, True)) and theirs == own[::-1]:
            return True
    return False
