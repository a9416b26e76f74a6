"""Answers without a model: the documents' own best-supported sentences and table rows."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import groupby

from answers import asking, followups, scoring, selection
from answers import passages as cutting
from answers.evidence import Evidence
from answers.markers import escape_markdown
from answers.passages import Passage
from answers.prompting import ReaderPrompt
from answers.readers import Capabilities, Quote, ReaderDelta
from answers.words import kin
from retrieval import accounting

NOTE = "This answer is extractive: it quotes the documents, and no language model wrote it."
FOUND = "In the documents’ own words:"
NOT_FOUND = "The documents do not seem to hold an answer to this."
CLOSEST = "What comes closest:"
CLOSEST_PASSAGES = 2
# More gave no better answers, and encoding is what takes time.
MOST_ENCODED = 24
# A wide table is quoted with its first column and those that the question names.
MOST_COLUMNS = 6
# Within a paragraph of a quotation.
NEW_LINE = "\\\n> "
# A bar in a formula, which is quoted as it is written.
_BAR = re.compile(r"(?<!\\)\|")


class ExtractiveReader:
    """Quotes word for word, with citations, and says so where nothing answers."""

    name = "extractive"
    label = "Quotes only"
    capabilities = Capabilities(prompt_tokens=8000)

    @classmethod
    def is_configured(cls) -> bool:
        return True

    def stream(self, prompt: ReaderPrompt) -> Generator[ReaderDelta, None, None]:
        """Yield quotes one after the other; see `Reader.stream`."""
        yield ReaderDelta(note=NOTE)
        question = followups.own(prompt.question, prompt.standalone)
        chosen = _select(prompt, question)
        yield ReaderDelta(grounded=chosen.supported)
        if chosen.supported:
            yield ReaderDelta(text=f"{FOUND}\n\n")
            yield from _quoted(chosen.passages, question)
            return
        yield ReaderDelta(text=f"{NOT_FOUND}\n\n")
        if chosen.passages:
            yield ReaderDelta(text=f"{CLOSEST}\n\n")
            yield from _quoted(chosen.passages[:CLOSEST_PASSAGES], question)


def _select(prompt: ReaderPrompt, question: str) -> selection.Selection:
    from retrieval.embedders import embedder_for

    found = list(cutting.passages(prompt.evidence))
    candidates = found
    if not asking.about_contents(prompt.standalone):
        candidates = [passage for passage in found if not passage.is_of_contents] or found
    if not candidates:
        return selection.Selection((), supported=False)
    embedder = embedder_for("text")
    borrowed = prompt.standalone.removeprefix(question)
    made_of = accounting.words_for(prompt.standalone)
    terms = scoring.terms_of(question, candidates, borrowed=borrowed, made_of=made_of)
    candidates = _most_likely(candidates, terms)
    asked = embedder.encode_queries([question])[0]
    vectors = embedder.encode_texts([_in_context(passage) for passage in candidates])
    scored = scoring.score(candidates, (vectors @ asked).tolist(), terms, weights=scoring.Weights())
    lacking = bool(scoring.missing(prompt.standalone, map(_whole, prompt.evidence)))
    return selection.select(question, scored, passages=found, lacking=lacking)


def _whole(piece: Evidence) -> str:
    parts = (piece.document_title, *piece.heading_path, piece.caption, piece.text)
    return " ".join((*parts, piece.references))


def _most_likely(candidates: list[Passage], terms: scoring.Terms) -> list[Passage]:
    """Leave out what shares least with the question in words: encoding is what takes time."""
    if len(candidates) <= MOST_ENCODED:
        return candidates
    by_words = scoring.score(candidates, [0.0] * len(candidates), terms, weights=scoring.Weights())
    best = sorted(range(len(candidates)), key=lambda i: -by_words[i].score)[:MOST_ENCODED]
    return [candidates[i] for i in sorted(best)]


def _in_context(passage: Passage) -> str:
    if passage.kind == "row":
        named = (
            f"{name} {cell}".strip()
            for name, cell in zip(passage.header, passage.cells, strict=False)
            if cell
        )
        return "\n".join([passage.context, "; ".join(named)])
    return passage.text


def _quoted(passages: Iterable[Passage], question: str) -> Iterator[ReaderDelta]:
    for (number, kind), group in groupby(passages, key=lambda p: (p.number, p.kind)):
        run = list(group)
        quotes = tuple(Quote(number, p.start, p.whole_end) for p in run if p.end > p.start)
        text = _table(run, question) if kind == "row" else _sentences(run)
        yield ReaderDelta(text=f"{text}\n\n", quotes=quotes)


def _sentences(run: list[Passage]) -> str:
    """Quote sentences of one source, lists line by line; a gap shows as an ellipsis."""
    said = ""
    for before, passage in zip([None, *run], run, strict=False):
        lines = map(escape_markdown, (passage.text, *passage.tail))
        said += _between(before, passage) + NEW_LINE.join(lines)
    return f"> {said} [{run[0].number}]"


def _between(before: Passage | None, passage: Passage) -> str:
    if before is None:
        return ""
    # A heading is no beginning of the sentence after it, nor an item the end of one.
    breaks = before.tail or not before.is_ended or passage.is_item
    space = NEW_LINE if breaks else " "
    is_gap = passage.start > before.whole_end + 1 and cutting.CUT not in before.tail
    return f"{space}{cutting.CUT}{space}" if is_gap else space


def _table(run: list[Passage], question: str) -> str:
    """Quote rows of one table under its header: the columns asked for, of a wide one."""
    columns = _columns(run[0].header, question, max(len(passage.cells) for passage in run))
    rule = "| " + " | ".join("---" for _ in columns) + " |"
    lines = [
        f"{escape_markdown(run[0].context)} [{run[0].number}]".strip(),
        "",
        _row(run[0].header, columns),
        rule,
        *(_row(passage.cells, columns) for passage in run),
    ]
    return "\n".join(lines)


def _columns(header: tuple[str, ...], question: str, width: int) -> list[int]:
    """The first column and those whose heads share a year or, best, most words with the question.

    Of a question that compares, all whose heads share any. All columns where none is named, or
    where the table is narrow and no year is.
    """
    asked = scoring.word_stems(asking.core(question))
    years = {word for word in asked if re.fullmatch(r"(19|20)\d\d", word)}
    heads = {i: scoring.word_stems(name) for i, name in enumerate(header) if i}
    dated = [i for i, head in heads.items() if years & set(re.findall(r"\d{4}", " ".join(head)))]
    if dated:
        return [0, *dated]
    shared = {i: sum(any(kin(a, b) for b in asked) for a in head) for i, head in heads.items()}
    fewest = 1 if asking.compares(question) else max([1, *shared.values()])
    named = [i for i, count in shared.items() if count >= fewest]
    if width <= MOST_COLUMNS or not named:
        return list(range(width))
    return [0, *named]


def _row(cells: tuple[str, ...], columns: list[int]) -> str:
    texts = (escape_markdown(cells[i] if i < len(cells) else "") for i in columns)
    return "| " + " | ".join(_BAR.sub(r"\|", " ".join(text.split())) for text in texts) + " |"
