"""The title of a document: what its file says of itself, where that is one, or the file's name."""

from __future__ import annotations

import re
from pathlib import Path

from ingestion.labels import MAX_TITLE

# Programs write these when nobody gave a title: their word for something new, perhaps with a
# number, ...
_UNTITLED = re.compile(
    r"untitled\b.*|(?:(?:powerpoint )?presentation|document|book|slide|scan)[ _-]*\d*",
    re.IGNORECASE,
)
# ... the name of the file that was printed, ...
_FILE_NAME = re.compile(
    r".*\.(?:pdf|docx?|docm|dotx?|xlsx?|xlsm|pptx?|ppsx?|od[tpsg]|rtf|txt|md|csv|tex|dvi|ps|eps"
    r"|indd|qxd|pub|pages|wpd|html?|xml|jpe?g|png|tiff?)",
    re.IGNORECASE | re.DOTALL,
)
# ... or that with their own name before or after it.
_PROGRAM = re.compile(
    r"microsoft (?:\w+ )?(?:word|excel|powerpoint|publisher|visio|office)\b.*[-–].*"
    r"|.*[^\W_].* [-–] (?:(?:microsoft )?(?:word|excel|powerpoint)|google \w+)",
    re.IGNORECASE | re.DOTALL,
)


def title_of(told: str, filename: str) -> str:
    """Return the title that a file tells, unless it names nothing: then the file's name."""
    # Cut before it is looked at, too: patterns take their time over what is endless.
    title = " ".join(told[: 4 * MAX_TITLE].split())[:MAX_TITLE]
    return title if _names_something(title) else Path(filename).stem[:MAX_TITLE]


def _names_something(title: str) -> bool:
    if not any(map(str.isalpha, title)):
        return False
    return not any(kind.fullmatch(title) for kind in (_UNTITLED, _FILE_NAME, _PROGRAM))
