"""Measure both errors of the check of answers: false alarms, and what it lets through.

    python -m benchmarks.verification_quality --data DIR --questions FILE --work DIR

Every sentence of a known answer is held against the passages of its gold pages: to doubt one of
those is a false alarm. The same sentence held against the pages of another question, with a
changed number, with millions for billions, with a "not" put in, or with a word turned into its
opposite should be doubted. Known answers that say more than their
gold pages count as false alarms, too, so that share is an upper bound. The documents must have
been ingested into the folder that `--work` names (benchmarks.answer_quality does). The last line
printed is JSON: the share of each kind that is doubted, at the threshold in use.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.workspace import open_workspace

THRESHOLDS = (0.55, 0.65, 0.75, 0.85, 0.95, 1.05)
FEWEST_WORDS = 5
_VERB = re.compile(r"\b(is|are|was|were|will|can|may|must|should|has|have|does|do)\b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    open_workspace(arguments.work)
    from answers.verification import LEAST_SUPPORT

    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines() if line]
    cases = _cases([row for row in rows if row.get("gold_pages")])
    table = {least: _doubted(cases, least) for least in sorted({*THRESHOLDS, LEAST_SUPPORT})}
    kinds = list(cases)
    print("least".ljust(8), *(kind.rjust(12) for kind in kinds))
    for least, shares in table.items():
        print(f"{least:<8}", *(f"{shares[kind]:12.3f}" for kind in kinds))
    counts = {f"{kind}_count": len(found) for kind, found in cases.items()}
    print(json.dumps({"least": LEAST_SUPPORT, **table[LEAST_SUPPORT], **counts}))


Case = tuple[str, Sequence[Any]]


def _cases(rows: Sequence[dict[str, Any]]) -> dict[str, list[Case]]:
    """Statements with evidence, by kind: true, and wrong in one of several ways."""
    evidence = [_evidence(row["doc"], row["gold_pages"]) for row in rows]
    cases: dict[str, list[Case]] = {"true": [], "elsewhere": [], **{kind: [] for kind in CHANGES}}
    for place, (row, own) in enumerate(zip(rows, evidence, strict=True)):
        other = evidence[(place + len(rows) // 2) % len(rows)]
        for sentence in re.split(r"(?<=[.!?])\s+", str(row["answer"])):
            if len(sentence.split()) < FEWEST_WORDS or not own:
                continue
            cases["true"].append((sentence, own))
            if other and other != own:
                cases["elsewhere"].append((sentence, other))
            for kind, change in CHANGES.items():
                _add_changed(cases[kind], sentence, own, change)
    return cases


def _add_changed(
    cases: list[Case], sentence: str, evidence: Sequence[Any], change: Callable[[str], str]
) -> None:
    changed = change(sentence)
    if changed != sentence:
        cases.append((changed, evidence))


def _other_number(sentence: str) -> str:
    """Change the last digit of the first number."""
    return re.sub(r"\d(?=\D*$|\D)", lambda match: str((int(match[0]) + 3) % 10), sentence, count=1)


def _opposite(sentence: str) -> str:
    return sentence if " not " in sentence else _VERB.sub(r"\1 not", sentence, count=1)


def _swapped(words: Mapping[str, str]) -> Callable[[str], str]:
    """Exchange the first of these words in a sentence for its counterpart."""
    both = dict(words) | {other: one for one, other in words.items()}
    pattern = re.compile(rf"\b({'|'.join(sorted(both, key=len, reverse=True))})\b")
    return lambda sentence: pattern.sub(lambda match: both[match[0]], sentence, count=1)


CHANGES: dict[str, Callable[[str], str]] = {
    "number": _other_number,
    "magnitude": _swapped({"million": "billion"}),
    "opposite": _opposite,
    "direction": _swapped(
        {
            **{
                "increase": "decrease",
                "increased": "decreased",
                "rose": "fell",
                "grew": "declined",
            },
            **{"higher": "lower", "more": "less", "above": "below", "improved": "worsened"},
            **{"maximum": "minimum", "highest": "lowest", "largest": "smallest"},
            **{"before": "after", "includes": "excludes", "include": "exclude"},
            **{"always": "never", "required": "optional", "covered": "excluded"},
        }
    ),
}


def _evidence(name: str, pages: Sequence[int]) -> list[Any]:
    from answers.evidence import numbered
    from answers.gathering import from_chunk
    from ingestion.models import Chunk

    chunks = Chunk.objects.live().filter(document__filename=name, page_number__in=pages)
    rows = chunks.select_related("document", "page").order_by("order")
    return list(numbered(from_chunk(chunk, scores={}) for chunk in rows))


def _doubted(cases: dict[str, list[Case]], least: float) -> dict[str, float]:
    return {
        kind: round(sum(_is_doubted(*case, least) for case in found) / max(len(found), 1), 4)
        for kind, found in cases.items()
    }


_known: dict[tuple[str, str], float] = {}


def _likeness(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Remember what was compared: every threshold compares the same."""
    from answers.checking import likeness

    fresh = [pair for pair in dict.fromkeys(pairs) if pair not in _known]
    _known.update(zip(fresh, likeness(fresh) if fresh else (), strict=True))
    return [_known[pair] for pair in pairs]


def _is_doubted(sentence: str, evidence: Sequence[Any], least: float) -> bool:
    from answers.verification import Verdict, check

    markers = "".join(f"[{piece.number}]" for piece in evidence)
    done = check(f"{sentence} {markers}", evidence, likeness=_likeness, least=least)
    return any(one.verdict == Verdict.UNSUPPORTED for one in done)


if __name__ == "__main__":
    main()
