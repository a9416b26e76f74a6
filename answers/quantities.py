"""Numbers with their units and scales, as they are compared between an answer and a source. Pure.

"$1.2 billion", "1,200" under "in millions" and "1 200 000 000" say the same; "12 %" and "0.12"
do, where one of them is a share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "mn": 1e6,
    "mm": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "b": 1e9,
    "trillion": 1e12,
    "tn": 1e12,
}
_NUMBER_WORDS = {
    word: float(value)
    for value, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
            *("seventeen", "eighteen", "nineteen", "twenty"),
        )
    )
}
# "one" is mostly no number ("one of them", "the latter one").
_SPELT = "|".join(word for word in _NUMBER_WORDS if word != "one")
_CURRENCY = "$€£¥₹"
_DIGITS = r"\d{1,3}(?:[,\u00a0\u202f’']\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)*|\.\d+"
_QUANTITY = re.compile(
    rf"(?P<open>\(\s*)?(?P<sign>(?<![\w\d])[-−–+])?\s?(?P<currency>[{_CURRENCY}]\s?)?"
    rf"(?<![\w.])(?P<number>{_DIGITS})"
    r"(?P<close>\s*\))?"
    r"(?:\s?(?P<percent>%|percent(?:age points?)?\b|per cent\b|pct\b)"
    r"|[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|mn|bn|tn|mm)s?\b"
    r"|(?P<letter>[kKMB])\b)?",
    re.IGNORECASE,
)
_SPELT_NUMBER = re.compile(rf"\b(?P<word>{_SPELT})\b", re.IGNORECASE)
_CAPTION_SCALE = re.compile(
    r"\bin\s+(?:[a-z$€£.]+\s+){0,3}?(?P<scale>thousand|million|billion)s?\b"
    r"|[($€£]\s*(?:in\s+)?(?P<short>thousand|million|billion|000)s?\b"
    r"|\((?:[a-z$€£]{1,4}\s*)?(?P<sign>mn|m|bn|k)\)",
    re.IGNORECASE,
)
_SHORT_SCALES = {"000": 1e3, "m": 1e6, "k": 1e3}
# A ten-millionth is far below any rounding: it only takes up what floats lose.
EXACT = 1e-7


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at [start, end) of its text.

    `value` has the scale that is written beside it ("1.2 million" is 1200000). `step` is what
    its last written digit is worth, in the same scale. `is_scaled` tells whether a scale word
    stood there, `is_percent` whether a percent sign did.
    """

    value: float
    step: float
    start: int
    end: int
    is_scaled: bool = False
    is_percent: bool = False
    is_money: bool = False

    @property
    def is_year(self) -> bool:
        plain = not (self.is_scaled or self.is_percent or self.is_money)
        return plain and self.step == 1 and 1900 <= self.value <= 2100


def quantities(text: str) -> list[Quantity]:
    """Find the numbers of a text, in order; words up to "twenty" too."""
    found = [_read(match) for match in _QUANTITY.finditer(text)]
    spelt = [
        Quantity(_NUMBER_WORDS[match["word"].lower()], 1.0, match.start(), match.end())
        for match in _SPELT_NUMBER.finditer(text)
    ]
    return sorted([*found, *spelt], key=lambda quantity: quantity.start)


def scale_of(caption: str) -> float:
    """What a table's caption or header multiplies its numbers by: "in millions" is 1e6, else 1."""
    match = _CAPTION_SCALE.search(caption)
    if match is None:
        return 1.0
    name = (match["scale"] or match["short"] or match["sign"]).lower()
    return _SHORT_SCALES.get(name) or SCALES[name]


def agree(
    claimed: Quantity, source: Quantity, *, tolerance: float = 0.0, scale: float = 1.0
) -> bool:
    """Tell whether two numbers say the same, at the precision that the claim is written with.

    A claim that is rounded agrees with what it was rounded from: "1.2 billion" with 1,234
    million. Whole numbers without a scale are exact. `scale` is the source's, from its caption;
    the source's bare number is good, too, since a claim may keep the source's unit.
    """
    for value in _readings(source, scale):
        for said, step in _claims(claimed, source):
            rounding = 0.5 * step if _may_round(claimed) else 0.0
            room = max(rounding, tolerance * abs(value), EXACT * abs(value))
            if abs(said - value) <= room * (1 + EXACT):
                return True
    return False


def _readings(source: Quantity, scale: float) -> set[float]:
    if source.is_percent or source.is_scaled:
        return {source.value, abs(source.value)}
    return {sign * source.value * by for by in (1.0, scale) for sign in (1, -1)}


def _claims(claimed: Quantity, source: Quantity) -> list[tuple[float, float]]:
    """The claim as it stands, and as a percentage of 1 where just one of the two is one."""
    readings = [(claimed.value, claimed.step)]
    if claimed.is_percent and not source.is_percent and abs(source.value) <= 1:
        readings.append((claimed.value / 100, claimed.step / 100))
    if source.is_percent and not claimed.is_percent and abs(claimed.value) <= 1:
        readings.append((claimed.value * 100, claimed.step * 100))
    return readings


def _may_round(claimed: Quantity) -> bool:
    return claimed.step < 1 or claimed.is_scaled


def _read(match: re.Match[str]) -> Quantity:
    value, step = _value(match["number"])
    factor = 1.0
    if name := (match["scale"] or match["letter"] or "").lower():
        factor = SCALES[name]
    is_money = bool(match["currency"])
    negative = (match["sign"] or "") in ("-", "−", "–") or _in_brackets(match)
    return Quantity(
        value=-value * factor if negative else value * factor,
        step=step * factor,
        start=match.start("number"),
        # A bracket that only closes belongs to the sentence.
        end=match.end("number") if _only_closes(match) else match.end(),
        is_scaled=factor != 1.0,
        is_percent=bool(match["percent"]),
        is_money=is_money,
    )


def _only_closes(match: re.Match[str]) -> bool:
    return not match["open"] and bool(match["close"]) and match.end() == match.end("close")


def _in_brackets(match: re.Match[str]) -> bool:
    """Accountants write a loss as (1,234)."""
    return bool(match["open"] and match["close"]) and len(match["number"]) > 2


def _value(written: str) -> tuple[float, float]:
    """Read the digits: the English way, unless a comma can only be a decimal one."""
    plain = re.sub(r"[\u00a0\u202f’']", "", written)
    if re.fullmatch(r"\d+,\d{1,2}|\d+,\d{4,}", plain):
        plain = plain.replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?", plain):
        plain = plain.replace(".", "").replace(",", ".")
    else:
        plain = plain.replace(",", "")
    if plain.count(".") > 1:
        # A section or version number: its first two parts, as good as any.
        plain = ".".join(plain.split(".")[:2])
    decimals = len(plain.partition(".")[2])
    return float(plain), 10.0**-decimals
