"""What the check of an answer found, as people and programs see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from answers.rendering import Doubt
from answers.verification import Reason, Verdict

UNSUPPORTED = "not supported"
UNCHECKED = "not checked"
FOUND = "found, not cited"
WHY = {
    Reason.NUMBER: "Not in the cited sources: {numbers}.",
    Reason.MEANING: "The cited sources do not seem to say this.",
    Reason.CONTRADICTED: "The cited sources seem to say the opposite.",
    Reason.UNCITED: "No source is cited for this.",
    Reason.IMAGE: "This rests on an image, which only you can check.",
    Reason.ATTRIBUTED: "The answer names no source for this. Source {found} was found to say it.",
    Reason.LANGUAGE: "The sources are in another language, so this could not be checked.",
}


@dataclass(frozen=True, slots=True)
class Checks:
    """The statements of one answer, counted, with those to mark."""

    total: int
    supported: int
    unchecked: int
    attributed: int
    doubts: tuple[Doubt, ...]

    @classmethod
    def of(cls, stored: Sequence[Mapping[str, Any]]) -> Checks:
        verdicts = [one["verdict"] for one in stored]
        return cls(
            total=len(stored),
            supported=verdicts.count(Verdict.SUPPORTED),
            unchecked=verdicts.count(Verdict.UNCHECKED),
            attributed=sum(bool(one.get("found")) for one in stored),
            doubts=tuple(
                _doubt(one)
                for one in stored
                if one["verdict"] != Verdict.SUPPORTED or one.get("found")
            ),
        )

    @property
    def unsupported(self) -> int:
        return self.total - self.supported - self.unchecked

    @property
    def summary(self) -> str:
        """One line below the answer; empty where it states nothing."""
        if not self.total:
            return ""
        noun = "statement" if self.total == 1 else "statements"
        said = f"{self.supported} of {self.total} {noun} supported by the cited sources"
        if self.attributed:
            said += f", {self.attributed} of them by sources that were found afterwards"
        return f"{said}, {self.unchecked} not checked" if self.unchecked else said


def explain(check: Mapping[str, Any]) -> str:
    """Say why a statement is not supported; empty where it is."""
    if not check["reason"]:
        return ""
    numbers = ", ".join(check["numbers"])
    return WHY[Reason(check["reason"])].format(numbers=numbers, found=check.get("found"))


def _doubt(check: Mapping[str, Any]) -> Doubt:
    found = check.get("found", 0)
    label = UNCHECKED if check["verdict"] == Verdict.UNCHECKED else UNSUPPORTED
    return Doubt(
        check["start"], check["end"], FOUND if found else label, explain(check), source=found
    )
