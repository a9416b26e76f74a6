"""How well passages answer a question, and how surely they answer it at all. Pure.

No model decides here: a passage is judged by what it shares with the question, in meaning
(cosine of their embeddings) and in words and numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from answers import asking
from answers.passages import Passage
from answers.words import DIRECTIONS, content_words, kin, numbers, stem, telling_directions, words

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# Shorter words have too many neighbours to tell a misspelling from another word.
SHORTEST_RESPELT = 5
SPELLING = 0.8
FEWEST_SENTENCE_WORDS, MOST_TITLE_WORDS = 6, 12
YEARS_SUPPORT = 0.3
# Of the sum, share or address that is asked for, in words that may not be the question's.
FIT_SUPPORT = 0.3
# What a word of the question before counts for, beside one of this question.
BORROWED = 0.15
# What a line item counts for where a measure is asked for that is made of it.
MADE_OF = 0.5
PARTS_OF_DOCUMENTS = frozenset(
    stem(word)
    for word in (
        *("report", "paper", "guidebook", "guide", "slide", "presentation", "figure", "chart"),
        *("graph", "table", "section", "chapter", "author", "text", "brochure", "manual"),
        *("handbook", "article", "deck", "pdf", "file", "book", "answer", "question"),
    )
)


@dataclass(frozen=True, slots=True)
class Weights:
    """What a passage's parts of likeness count for.

    Found on questions whose gold pages are known: the share of answers that quote one.
    """

    meaning: float = 1.0
    words: float = 0.8
    context_words: float = 0.4
    years: float = 0.15
    kind: float = 0.12
    # Added for a telephone number, an e-mail or a web address that is asked for.
    address: float = 0.3
    # Of a title that lacks what is asked for: it says little, and most of the question's words.
    title: float = -0.3
    rank: float = 0.2
    # Of what is about the other one of two: the up button where the down button is asked for.
    other: float = -0.6
    # Of a place that the person marked: its share of the question's words counts so much more.
    marked: float = 1.0


# What the other of two things lacks counts for more than what both have: "the down button".
TELLING = 2.0
_PAIRS = (("up", "down"), ("left", "right"), ("upper", "lower"), ("top", "bottom"))
OTHER = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage, how well it answers, and how surely it answers at all."""

    passage: Passage
    score: float
    support: float
    # How far it holds the kind of thing that is asked for: see `asking.fit`.
    fit: float = 0.0
    # Of a list under a heading: the share of the question's words that the heading has.
    led: float = 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """The words of a question with what each is worth, and the years that it names."""

    weights: dict[str, float]
    years: frozenset[str]
    # What a passage must hold to be an answer, as the question is worded.
    asked: asking.Asked
    # For each word, the stems of the passages that are kin to it.
    kin: dict[str, frozenset[str]]
    # Those that were not borrowed from the question before.
    own: frozenset[str]
    # Those that tell one of two things from the other.
    told: frozenset[str]

    def found_in(self, stems: Collection[str]) -> set[str]:
        """The question's words that these stems have, or have a near relative of."""
        return {term for term, kin in self.kin.items() if not kin.isdisjoint(stems)}

    @property
    def total(self) -> float:
        """What the question's own words are worth: borrowed ones can only add to it."""
        return sum(self.weights[term] for term in self.own) or 1.0


def terms_of(
    question: str, passages: Sequence[Passage], *, borrowed: str = "", made_of: str = ""
) -> Terms:
    """Weigh the question's words: what stands in few of the passages says more.

    A word that no passage has counts as the one that it is a likely misspelling of. What is
    asked about the form of the answer, and words for parts of documents, say nothing. The
    words that a follow-up has `borrowed` from the question before count for less, and so do those
    that what is asked for is `made_of`.
    """
    question = asking.core(question)
    stems = [_stems(f"{passage.text} {passage.context}") for passage in passages]
    known = set().union(*stems)
    told = telling_directions(question)
    said = {stem(word) for word in content_words(question)} | told
    said = said - PARTS_OF_DOCUMENTS or said
    own = {_respelt(word, known) for word in said}
    less = {stem(word): BORROWED for word in content_words(borrowed)}
    less |= {stem(word): MADE_OF for word in content_words(made_of)}
    asked = own | less.keys()
    kindred = {term: frozenset(word for word in known if kin(term, word)) for term in asked}
    held = {term: sum(not kindred[term].isdisjoint(own) for own in stems) for term in asked}
    count = len(passages) + 1
    return Terms(
        weights={
            term: math.log(1 + count / (1 + held[term]))
            * (TELLING if term in told else 1 if term in own else less[term])
            for term in asked
        },
        years=frozenset(_YEAR.findall(question)),
        asked=asking.kind_of_answer(question),
        kin=kindred,
        own=frozenset(own),
        told=frozenset(told),
    )


def missing(question: str, texts: Iterable[str]) -> list[str]:
    """The names and numbers of a question that stand nowhere in these texts."""
    whole = " ".join(texts)
    known, figures = word_stems(whole), numbers(whole)
    return [
        word
        for word in asking.specifics(question)
        if not (numbers(word) and numbers(word) <= figures)
        and not any(kin(_respelt(stem(word), known), other) for other in known)
    ]


def _respelt(term: str, known: Collection[str]) -> str:
    if term in known or len(term) < SHORTEST_RESPELT or not term.isalpha():
        return term
    near = [word for word in known if word[0] == term[0] and abs(len(word) - len(term)) <= 2]
    return next(iter(get_close_matches(term, near, n=1, cutoff=SPELLING)), term)


def score(
    passages: Sequence[Passage], likeness: Sequence[float], terms: Terms, *, weights: Weights
) -> list[Scored]:
    """Score every passage; `likeness` are cosines with the question, in the same order."""
    return [
        _scored(passage, cosine, terms, weights)
        for passage, cosine in zip(passages, likeness, strict=True)
    ]


def word_stems(text: str) -> set[str]:
    return {stem(word) for word in content_words(text)}


def _stems(text: str) -> set[str]:
    return word_stems(text) | DIRECTIONS & {word.lower() for word in words(text)}


def _scored(passage: Passage, cosine: float, terms: Terms, weights: Weights) -> Scored:
    own = _stems(passage.text)
    around_it = terms.found_in(_stems(passage.context) | _header_stems(passage))
    # Of which of two things a passage is, its heading tells as well as it does itself.
    found = terms.found_in(own) | around_it & terms.told
    said = _worth(found, terms)
    around = _worth(around_it - found, terms)
    years = _years(passage, terms)
    # A figure's numbers are in its picture.
    fit = 0.0 if passage.kind == "figure" else asking.fit(passage.text, terms.asked)
    is_address = fit > 0 and terms.asked in asking.ADDRESSES
    # A plain number or a date stands in too many texts to say that the answer is there.
    is_told = is_address or (
        fit == 1.0 and passage.number == 1 and terms.asked in ("money", "share")
    )
    total = (
        weights.meaning * cosine
        + weights.words * said
        + weights.context_words * around
        + weights.years * years
        + weights.kind * fit
        + weights.address * is_address
        + weights.title * (fit < 0 and is_title(passage))
        + weights.rank / passage.number
        + weights.other * _is_about_the_other(passage, terms)
        + weights.marked * passage.is_marked * (said + around)
    )
    support = cosine + said + around + YEARS_SUPPORT * years + FIT_SUPPORT * is_told
    led = _worth(terms.found_in(word_stems(passage.lead_in)), terms)
    return Scored(passage, total, support, fit, led if passage.listed >= 0 else 0.0)


def _worth(found: Iterable[str], terms: Terms) -> float:
    return sum(terms.weights.get(term, 0.0) for term in found) / terms.total


def _is_about_the_other(passage: Passage, terms: Terms) -> bool:
    said = {word.lower() for word in words(f"{passage.context} {passage.text}")}
    return any(
        one in terms.told and other in said and one not in said for one, other in OTHER.items()
    )


def _header_stems(passage: Passage) -> set[str]:
    return word_stems(" ".join(passage.header))


def is_title(passage: Passage) -> bool:
    """Tell whether a text is no sentence: a few words, or a line without an end."""
    count = len(passage.text.split())
    if passage.kind != "sentence" or passage.lead_in:
        return False
    return count < FEWEST_SENTENCE_WORDS or (
        count < MOST_TITLE_WORDS and passage.text[-1].isalnum()
    )


def _years(passage: Passage, terms: Terms) -> float:
    """1 where the passage is about a year that is asked for, -1 where only about others."""
    if not terms.years:
        return 0.0
    own = set(_YEAR.findall(f"{passage.text} {passage.context} {' '.join(passage.header)}"))
    if not own:
        return 0.0
    return 1.0 if own & terms.years else -1.0
