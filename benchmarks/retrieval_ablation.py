"""Say what each part of the search buys: page recall with parts of it changed or left out.

    python -m benchmarks.retrieval_ablation --data DIR [--questions FILE] --work DIR

DIR and the work folder are those of retrieval_quality. With `--ready`, only questions on
documents that the work folder already holds are asked, and nothing is parsed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measures import CUTS, Question, mean, page_recall
from benchmarks.retrieval_quality import Pagewise, read_questions
from benchmarks.workspace import bring_indexes_up_to_date, ingest, open_workspace


def main() -> None:
    arguments = _arguments()
    questions = read_questions(arguments.questions or arguments.data / "questions.jsonl")
    open_workspace(arguments.work)
    if arguments.ready:
        ids = _held()
        bring_indexes_up_to_date()
        questions = [question for question in questions if question.doc in ids]
    else:
        names = sorted({question.doc for question in questions})
        ids = ingest([arguments.data / "pdfs" / name for name in names])
    print(f"{len(questions)} questions, {len(ids)} documents; recall at {CUTS}")
    for name, variant in variants().items():
        with variant():
            print(f"{name:34} {_row(ids, questions, True)}   {_row(ids, questions, False)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--ready", action="store_true", help="ask only of what is parsed already")
    return parser.parse_args()


def _held() -> dict[str, int]:
    from ingestion.models import Document

    return dict(Document.objects.searchable().values_list("filename", "pk"))


def _row(ids: dict[str, int], questions: list[Question], within: bool) -> str:
    pagewise = Pagewise(ids)
    ranked = [
        (question, pagewise.rank(question.text, [question.doc] if within else None))
        for question in questions
    ]
    cells = [
        mean(
            [page_recall(found, [(q.doc, page) for page in q.gold_pages], k) for q, found in ranked]
        )
        for k in CUTS
    ]
    return " ".join(f"{100 * cell:5.1f}" for cell in cells)


def variants() -> dict[str, Callable[[], Any]]:
    """Name what is measured; each gives a context in which the search is changed so."""
    equal = {"text": 1.0, "image": 1.0, "keywords": 1.0}
    return {
        "as it is": nullcontext,
        "named places not looked up": lambda: patch(
            "retrieval.search.named_places.named_in", lambda text: False
        ),
        "named kinds not heeded": lambda: patch(
            "retrieval.search.named_kinds.named_in", lambda text: frozenset()
        ),
        **{
            f"vectors weigh {weight}": partial(_request, weights={"text": weight, "image": weight})
            for weight in (0.0, 0.15, 0.5, 1.0)
        },
        "reciprocal ranks": partial(_request, method="rrf"),
        "reciprocal ranks, equal weights": partial(_request, method="rrf", weights=equal),
        "the same, figures counted twice": partial(_twice, method="rrf", weights=equal),
        "vectors only": partial(_request, weights={"keywords": 0.0}),
    }


def _request(*, method: str = "", weights: dict[str, float] | None = None) -> Any:
    from retrieval import requests

    base = requests.of_settings()
    if method:
        fusion = replace(base.stage.fusion, method=method)
        base = replace(base, stage=replace(base.stage, fusion=fusion))
    changed = base.with_weights(weights or {})
    return patch("retrieval.profiles.standard", lambda: changed)


def _twice(**changes: Any) -> Any:
    both = ExitStack()
    both.enter_context(_request(**changes))
    both.enter_context(patch("retrieval.stages._says_it_again", lambda *a: False))
    return both


if __name__ == "__main__":
    main()
