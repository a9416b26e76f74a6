"""Titles, tags and key-value metadata that people give to documents, to find and filter them by.

A tag is a word in small letters. A metadata value is a text, a number, a truth value, or a
date, which is a text in ISO form ("2024-05-31"): so dates compare as texts do.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

from ingestion.errors import PermanentError

Value = str | int | float | bool
Type = Literal["text", "number", "boolean", "date"]

Given = TypeVar("Given")
Checked = TypeVar("Checked")

MAX_TITLE = 500
MAX_TAGS = 50
MAX_ENTRIES = 50
MAX_NAME = 64
MAX_TEXT = 500
# Numbers beyond this lose digits where JSON is read as floating point.
MAX_NUMBER = 2**53
# No digit first: databases would take the name for a place in a list.
_NAME = re.compile(r"[^\W\d][\w.-]*")
_TAG = re.compile(r"[\w.-]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
# Controls, and halves of characters, which no encoding writes.
_UNWRITABLE = ("Cc", "Cs")
_LETTERS = "letters, digits, and . _ -"
# So many things that are wrong are told at once.
MOST_TOLD = 10


class Invalid(PermanentError):
    """A title, tag or entry that is not taken; the message says what to change."""

    code = "labels_refused"


def checked_title(title: str) -> str:
    """Return the title without white space that nobody sees. Raises Invalid."""
    text = " ".join(title.split())
    if not 1 <= len(text) <= MAX_TITLE:
        raise Invalid(f"A title must have 1 to {MAX_TITLE} characters.")
    if not _can_be_written(text):
        raise Invalid("The title holds a character that cannot be written.")
    return text


def checked_tags(tags: Iterable[Any]) -> list[str]:
    """Return the tags in small letters, each once, in the order given. Raises Invalid."""
    found = list(dict.fromkeys(_each(tags, _tag)))
    if len(found) > MAX_TAGS:
        raise Invalid(f"A document has at most {MAX_TAGS} tags.")
    return found


def _tag(tag: Any) -> str:
    if not isinstance(tag, str):
        raise Invalid("A tag is a word.")
    word = tag.strip().lower()
    if len(word) > MAX_NAME or not _TAG.fullmatch(word):
        raise Invalid(f"“{_shown(word)}” is no tag: use at most {MAX_NAME} {_LETTERS}.")
    return word


def checked_metadata(metadata: Mapping[Any, Any]) -> dict[str, Value]:
    """Return the entries with their values' types as they are. Raises Invalid."""
    if not isinstance(metadata, Mapping):
        raise Invalid("Metadata is an object of names and values.")
    if len(metadata) > MAX_ENTRIES:
        raise Invalid(f"A document has at most {MAX_ENTRIES} metadata entries.")
    return dict(_each(metadata.items(), _entry))


def _entry(entry: tuple[Any, Any]) -> tuple[str, Value]:
    name, value = entry
    return checked_name(name), _value(name, value)


def _each(given: Iterable[Given], check: Callable[[Given], Checked]) -> list[Checked]:
    """Check one after the other, and tell all that is wrong at once. Raises Invalid."""
    found, wrong = [], []
    for one in given:
        try:
            found.append(check(one))
        except Invalid as exc:
            wrong.append(str(exc))
    if len(wrong) > MOST_TOLD:
        wrong[MOST_TOLD:] = [f"{len(wrong) - MOST_TOLD} more likewise."]
    if wrong:
        raise Invalid(" ".join(wrong))
    return found


def checked_name(name: Any) -> str:
    """Return the name of an entry as it is stored. Raises Invalid."""
    found = name.strip() if isinstance(name, str) else ""
    if len(found) > MAX_NAME or not _NAME.fullmatch(found):
        raise Invalid(
            f"“{_shown(str(name))}” is no name: use at most {MAX_NAME} {_LETTERS}, "
            "and begin with a letter."
        )
    return found


def _value(name: Any, value: Any) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > MAX_NUMBER:
            raise Invalid(f"The number of “{name}” is too large.")
        return value
    if not isinstance(value, str):
        raise Invalid(f"“{name}” must be a text, a number, a date, true or false.")
    text = " ".join(value.split())
    if not 1 <= len(text) <= MAX_TEXT:
        raise Invalid(f"The text of “{name}” must have 1 to {MAX_TEXT} characters.")
    if not _can_be_written(text):
        raise Invalid(f"The text of “{name}” holds a character that cannot be written.")
    return text


def _can_be_written(text: str) -> bool:
    return not any(unicodedata.category(char) in _UNWRITABLE for char in text)


def _shown(text: str) -> str:
    """Return the beginning of what was given, as far as a sentence can hold it."""
    return text[:80].encode(errors="replace").decode()


def type_of(value: Value) -> Type:
    """Return what kind of value it is; a text that is a calendar date in ISO form is a date."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "date" if _is_date(value) else "text"


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


# --- as people type them ---------------------------------------------------------------------


def parsed_tags(text: str) -> list[str]:
    """Read tags that stand between commas. Raises Invalid."""
    return checked_tags(filter(None, map(str.strip, re.split(r"[,;\n]", text))))


def parsed_metadata(text: str) -> dict[str, Value]:
    """Read one `name: value` a line; a value in double quotes stays a text. Raises Invalid."""
    return checked_metadata(dict(_each(filter(None, map(str.strip, text.splitlines())), _line)))


def _line(line: str) -> tuple[str, Value]:
    name, colon, value = line.partition(":")
    if not colon:
        raise Invalid(f"“{_shown(line)}” is no entry: write one “name: value” a line.")
    return _entry((name, parsed_value(value.strip())))


def parsed_value(text: str) -> Value:
    """Return the number or truth value that a text says, or else the text."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def as_lines(metadata: Mapping[str, Value]) -> str:
    """Write entries so that `parsed_metadata` reads them again."""
    # By name: PostgreSQL does not keep the order in which they were typed.
    return "\n".join(f"{name}: {_as_typed(value)}" for name, value in sorted(metadata.items()))


def _as_typed(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    needs_quotes = isinstance(value, str) and parsed_value(value) != value
    return f'"{value}"' if needs_quotes else str(value)
