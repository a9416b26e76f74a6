"""A conversation to take away: the branch that is shown, with what its answers cite. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from answers.citations import VisibleCitation
from answers.inert import inert
from answers.markers import escape_markdown
from answers.rendering import render_answer
from answers.turns import Answer, Turn

EXCERPT = 400
NOT_DONE = {
    "streaming": "This answer was still being written.",
    "stopped": "This answer was stopped.",
    "failed": "This question was not answered: {error}",
}
BROKEN_OFF = "This answer broke off: {error}"
CSS = """
body { font-family: sans-serif; font-size: 10pt; line-height: 1.4; }
h1 { font-size: 17pt; margin: 0 0 4pt 0; }
h2 { font-size: 12pt; margin: 18pt 0 6pt 0; }
h3 { font-size: 10pt; margin: 10pt 0 3pt 0; color: #444; }
p, li { margin: 0 0 5pt 0; }
p.about, p.excerpt { color: #555; font-size: 8.5pt; }
.doubt-label { color: #7f5200; font-size: 8pt; }
p.source { margin: 4pt 0 0 0; font-size: 9pt; }
p.excerpt { margin-left: 16pt; }
blockquote { margin: 0 0 5pt 12pt; }
table { border-collapse: collapse; }
th, td { border: 0.5pt solid #999; padding: 2pt 5pt; }
pre, code { font-family: monospace; font-size: 9pt; }
"""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is taken away, and where it was said."""

    title: str
    url: str
    taken_at: datetime
    turns: Sequence[Turn]


def markdown(transcript: Transcript) -> str:
    """Write the conversation as Markdown: a heading for each question, then its sources."""
    parts = [f"# {_quoted(transcript.title)}", _about(transcript)]
    for turn in transcript.turns:
        parts.append(f"## {_quoted(' '.join(turn.question.content.split()))}")
        parts += [f"*{_quoted(line)}*" for line in _carried(turn)]
        parts += _answer_in_markdown(turn.answer) if turn.answer else []
    return "\n\n".join(parts) + "\n"


def _quoted(text: str) -> str:
    # Also of a formula, which stays one, nothing leads anywhere.
    return escape_markdown(inert(text))


def _about(transcript: Transcript) -> str:
    return f"From {transcript.url}, {transcript.taken_at:%Y-%m-%d %H:%M %Z}".strip()


def _answer_in_markdown(answer: Answer) -> Iterator[str]:
    if answer.message.content:
        yield inert(answer.message.content.strip())
    for sentence in _remarks(answer):
        yield f"*{_quoted(sentence)}*"
    if answer.cited:
        yield "### Sources"
        yield "\n".join(
            f"- \\[{one.number}\\] {_quoted(f'{one.title}, {one.place.lower()}')}"
            + (f": “{_quoted(_excerpt(one.citation))}”" if _excerpt(one.citation) else "")
            for one in answer.cited
        )


def html(transcript: Transcript) -> str:
    """Write the conversation as HTML that stands alone, for `CSS`."""
    parts = [
        format_html("<h1>{}</h1>", transcript.title),
        format_html('<p class="about">{}</p>', _about(transcript)),
    ]
    for turn in transcript.turns:
        parts.append(format_html("<h2>{}</h2>", turn.question.content))
        parts += [format_html('<p class="about">{}</p>', line) for line in _carried(turn)]
        parts += _answer_in_html(turn.answer) if turn.answer else []
    return f"<html><body>{''.join(parts)}</body></html>"


def _answer_in_html(answer: Answer) -> Iterator[SafeString]:
    # Without numbers the markers stay text: nothing can be clicked on paper. What is rendered
    # was sanitised.
    yield mark_safe(
        render_answer(answer.message.content, (), doubts=answer.checks.doubts, typeset=False)
    )
    for sentence in _remarks(answer):
        yield format_html('<p class="about">{}</p>', sentence)
    if answer.cited:
        yield mark_safe("<h3>Sources</h3>")
    for one in answer.cited:
        yield format_html(
            '<p class="source">[{}] {}, {}</p>', one.number, one.title, one.place.lower()
        )
        if said := _excerpt(one.citation):
            yield format_html('<p class="excerpt">“{}”</p>', said)


def _carried(turn: Turn) -> Iterator[str]:
    """What the question was asked about beside its words."""
    for one in turn.attachments:
        if not one.hidden:
            yield f"About {one.label}." if one.is_region else "With an attached picture."


def _remarks(answer: Answer) -> Iterator[str]:
    """How the answer ended where it did not end well, and what its check found."""
    if answer.state == "failed" and answer.message.content:
        yield BROKEN_OFF.format(error=answer.message.error)
    elif answer.state in NOT_DONE:
        yield NOT_DONE[answer.state].format(error=answer.message.error)
    yield from answer.plain_notes
    if answer.check_line:
        yield f"{answer.check_line}."


def _excerpt(citation: VisibleCitation) -> str:
    """What the answer leans on, in the source's words; empty for what one may not read."""
    said = _joined(citation.quotes, citation.text) or citation.caption or citation.text
    words = " ".join(said.split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rstrip()} …"


def _joined(quotes: Sequence[str], text: str) -> str:
    """The quotes of a text as one, with “…” only where something was left out between two."""
    parts: list[str] = []
    end = 0
    for quote in quotes:
        start = text.find(quote, end)
        is_next = start >= 0 and not text[end:start].strip()
        parts += [quote] if is_next or not parts else ["…", quote]
        end = max(start, end) + len(quote)
    return " ".join(parts)


def file_name(title: str, extension: str) -> str:
    """A name for the file that is safe anywhere: letters, digits and dashes."""
    words = "".join(c if c.isalnum() else " " for c in title).split()
    return f"{'-'.join(words)[:80] or 'conversation'}.{extension}"
