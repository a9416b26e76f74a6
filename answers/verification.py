"""Is what an answer says borne out by what it cites? Every statement, every number. Pure.

Numbers are compared by value, with units and scales; words by what a statement shares with
the lines that it cites, and by meaning. What rests on an image cannot be told from text, and
neither can the words of an answer in another language than its sources: both are said to be
unchecked rather than called right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from answers import held, polarity
from answers.evidence import Evidence
from answers.held import Held
from answers.quantities import EXACT, Quantity, quantities
from answers.statements import Statement, statements
from answers.words import STOPWORDS, content_words, stem, words

# Compares texts by meaning: for each of the first, its cosine with its own second.
Likeness = Callable[[Sequence[tuple[str, str]]], Sequence[float]]

# A statement's share of words in the cited lines, and half their cosine, sum to at least this.
# Measured with benchmarks/verification_quality.py, which gives both kinds of error.
LEAST_SUPPORT = 0.75
COSINE_WEIGHT = 0.5
# A name counts for more than a word: it is what an invented statement mostly gets wrong.
NAME_WEIGHT = 2.0
# So much of two lines' words are shared where one of them is the other, but for a "not".
SAME_WORDS = 0.8
# A line with so much of a statement's words speaks of the same.
NEAR_WORDS = 0.5
# Lines that share nearly as much as the best one.
NEAREST = 0.85
# What a statement denies is what its sources speak of where they have so much of its words.
KNOWN_WORDS = 0.6
FEWEST_WORDS_TO_TELL_LANGUAGE = 5


class Verdict(StrEnum):
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNCHECKED = "unchecked"


class Reason(StrEnum):
    """Why a statement is not supported, could not be checked, or is supported without citing."""

    NUMBER = "number"
    MEANING = "meaning"
    CONTRADICTED = "contradicted"
    UNCITED = "uncited"
    IMAGE = "image"
    # Supported, but by a source that was found for it: the answer names none.
    ATTRIBUTED = "attributed"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Check:
    """What became of one statement; `numbers` are those that its sources do not have.

    `found` is the number of the source that says it where the answer names none.
    """

    statement: Statement
    verdict: Verdict
    reason: Reason | None = None
    numbers: tuple[str, ...] = ()
    support: float = 1.0
    found: int = 0


def check(
    answer: str, evidence: Iterable[Evidence], *, likeness: Likeness, least: float = LEAST_SUPPORT
) -> list[Check]:
    """Hold every statement of an answer against the evidence that it cites.

    Where it cites none, the source that says it best is looked for.
    """
    given = {piece.number: held.of(piece) for piece in evidence}
    checks: list[Check | None] = []
    open_ones: list[_Open] = []
    for statement in statements(answer):
        found = 0 if statement.cited else _says_it_best(statement, given)
        cited = [given[number] for number in (statement.cited or (found,)) if number in given]
        done = _without_meaning(statement, cited)
        checks.append(_attributed(done, found) if done else None)
        if done is None:
            lines, share = held.best_lines(_weights(statement.text), cited)
            open_ones.append(_Open(len(checks) - 1, statement, found, cited, lines, share))
    pairs = [(one.statement.text, one.lines) for one in open_ones]
    cosines = likeness(pairs) if pairs else ()
    for one, cosine in zip(open_ones, cosines, strict=True):
        support = one.share + COSINE_WEIGHT * cosine
        done = _by_meaning(one.statement, support, one.cited, least)
        checks[one.place] = _attributed(done, one.found)
    return [done for done in checks if done is not None]


@dataclass(frozen=True, slots=True)
class _Open:
    """A statement at `place` in the answer whose meaning has to be compared."""

    place: int
    statement: Statement
    found: int
    cited: list[Held]
    lines: str
    share: float


def _says_it_best(statement: Statement, given: Mapping[int, Held]) -> int:
    """The number of the source that shares most with a statement; 0 where none has all numbers."""
    weights = _weights(statement.text)
    shares = {
        number: held.best_lines(weights, [piece])[1]
        for number, piece in given.items()
        if not _missing_numbers(statement, [piece])
    }
    return max(shares, key=lambda number: shares[number], default=0)


def _attributed(done: Check, found: int) -> Check:
    """Say of what names no source whether one was found for it."""
    if not found:
        return done
    if done.verdict == Verdict.SUPPORTED:
        return replace(done, reason=Reason.ATTRIBUTED, found=found)
    return replace(done, verdict=Verdict.UNSUPPORTED, reason=Reason.UNCITED, numbers=())


def _without_meaning(statement: Statement, cited: Sequence[Held]) -> Check | None:
    """Decide what words and numbers alone decide; None where the meaning must be asked."""
    if not cited:
        return Check(statement, Verdict.UNSUPPORTED, Reason.UNCITED, support=0.0)
    if any(piece.quotes(statement.text) for piece in cited):
        return Check(statement, Verdict.SUPPORTED)
    missing = _missing_numbers(statement, cited)
    if not missing:
        return None
    written = tuple(statement.text[quantity.start : quantity.end] for quantity in missing)
    if any(piece.is_image for piece in cited):
        return Check(statement, Verdict.UNCHECKED, Reason.IMAGE, written, 0.0)
    return Check(statement, Verdict.UNSUPPORTED, Reason.NUMBER, written, 0.0)


def _by_meaning(statement: Statement, support: float, cited: Sequence[Held], least: float) -> Check:
    if _contradicted(statement.text, cited):
        return Check(statement, Verdict.UNSUPPORTED, Reason.CONTRADICTED, support=support)
    if support >= least:
        return Check(statement, Verdict.SUPPORTED, support=support)
    if any(piece.is_image for piece in cited):
        return Check(statement, Verdict.UNCHECKED, Reason.IMAGE, support=support)
    if _languages_differ(statement.text, " ".join(piece.text for piece in cited)):
        return Check(statement, Verdict.UNCHECKED, Reason.LANGUAGE, support=support)
    return Check(statement, Verdict.UNSUPPORTED, Reason.MEANING, support=support)


def _missing_numbers(statement: Statement, cited: Sequence[Held]) -> list[Quantity]:
    """The numbers of a statement that neither stand in its sources nor follow from those."""
    claimed = quantities(statement.text)
    years = {int(quantity.value) for quantity in claimed if quantity.is_year}
    missing = [
        quantity for quantity in claimed if not any(piece.has(quantity, years) for piece in cited)
    ]
    known = [quantity for quantity in claimed if quantity not in missing and not quantity.is_year]
    return [
        quantity
        for quantity in missing
        if not (
            _calculated(quantity, known)
            or _counts(quantity, statement.text)
            or _refers(quantity, statement.text)
        )
    ]


def _calculated(quantity: Quantity, known: Sequence[Quantity]) -> bool:
    """Tell whether a number is the sum, difference, ratio or change of two known ones."""
    room = max(quantity.step, abs(quantity.value) * EXACT)
    for first in known:
        for second in known:
            if first is second:
                continue
            a, b = first.value, second.value
            results = [a + b, a - b]
            if b:
                results += [a / b, 100 * a / b, 100 * (a - b) / b]
            if any(abs(abs(result) - abs(quantity.value)) <= room for result in results):
                return True
    return False


def _counts(quantity: Quantity, text: str) -> bool:
    """Tell whether a small number counts what the statement itself enumerates."""
    rest = text[quantity.end :]
    listed = len([part for part in rest.replace(" and ", ", ").split(",") if part.strip()])
    return quantity.step == 1 and 2 <= quantity.value <= 20 and listed == quantity.value


def _refers(quantity: Quantity, text: str) -> bool:
    """Tell whether a number is a word for what was named before: "the three", "of all five"."""
    spelt = text[quantity.start : quantity.end].isalpha()
    before = text[: quantity.start].rstrip().rsplit(" ", 1)[-1].lower()
    return spelt and before in ("the", "these", "those", "all", "other", "both", "of")


def _weights(text: str) -> dict[str, float]:
    """The words of a statement, and what each counts for; numbers are looked at elsewhere."""
    weights: dict[str, float] = {}
    first = next(iter(words(text)), "")
    for word in content_words(text):
        if any(c.isdigit() for c in word) and not any(c.isalpha() for c in word):
            continue
        is_name = word[0].isupper() and word != first
        weights[stem(word)] = NAME_WEIGHT if is_name else 1.0
    return weights


def _contradicted(text: str, cited: Sequence[Held]) -> bool:
    """Tell whether the lines that speak of the same say the opposite."""
    own = frozenset(_weights(text))
    lines = [
        (line, stems)
        for piece in cited
        for line, stems in zip(piece.lines, piece.stems, strict=True)
    ]
    shared = max((len(own & stems) for _, stems in lines), default=0)
    near = [line for line, stems in lines if len(own & stems) >= NEAR_WORDS * len(own) > 0]
    nearest = [line for line, stems in lines if len(own & stems) >= NEAREST * shared]
    same = [
        line
        for line, stems in lines
        if 2 * len(own & stems) >= SAME_WORDS * (len(own) + len(stems)) > 0
    ]
    return bool(near) and (
        polarity.opposed(text, " ".join(nearest))
        or _denied_alone(text, [line for line, _ in lines], cited)
        or polarity.denied_by(text, own, same or near)
    )


def _denied_alone(text: str, lines: Sequence[str], cited: Sequence[Held]) -> bool:
    """Tell whether a statement denies what its sources speak of, and none of them denies it."""
    own = polarity.denials(text)
    known = frozenset().union(*(piece.all_stems for piece in cited))
    return any(
        len(denied & known) >= max(2, KNOWN_WORDS * len(denied))
        and not any(polarity.denials(line).touch(head, denied) for line in lines)
        for head, denied in zip(own.heads, own.denied, strict=True)
    )


def _languages_differ(text: str, source: str) -> bool:
    """Tell whether just one of the two has the little words that English cannot do without."""
    own, theirs = _english_share(text), _english_share(source[:4000])
    if own is None or theirs is None:
        return False
    return (own < 0.08 and theirs > 0.2) or (own > 0.25 and theirs < 0.08)


def _english_share(text: str) -> float | None:
    said = [word.lower() for word in words(text)]
    if len(said) < FEWEST_WORDS_TO_TELL_LANGUAGE:
        return None
    return sum(word in STOPWORDS for word in said) / len(said)
