"""Measure page recall of the real search against naive baselines, on a folder of PDFs.

    python -m benchmarks.retrieval_quality --data DIR [--questions FILE] [--work DIR]

DIR holds `pdfs/` and the questions, JSON lines of id, doc, question, gold_pages and, where
known, gold_boxes, evidence_type, answerable. The files go through the real parsing, chunking,
embedding and indexing into a database of their own, which `--work` keeps for the next run.
The last line printed is JSON: page recall at k, within the given document and over all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measures import CUTS, Question, coverage, mean, page_recall
from benchmarks.workspace import check_complete, ingest, open_workspace

PageKey = tuple[str, int]
# So many hits are asked for, so that ten different pages are among them.
DEPTH = 60

Ranker = Callable[[str, Sequence[str] | None], list[PageKey]]


def main() -> None:
    arguments = _arguments()
    questions = read_questions(arguments.questions or arguments.data / "questions.jsonl")
    with tempfile.TemporaryDirectory(prefix="pagewise-quality-") as scratch:
        work = arguments.work or Path(scratch)
        open_workspace(work)
        names = sorted({question.doc for question in questions})
        paths = [arguments.data / "pdfs" / name for name in names]
        ids = ingest(paths, rebuild=arguments.rebuild)
        rankers = {"pagewise": Pagewise(ids).rank, **_baselines(paths, work)}
        report = _measure(rankers, questions)
        _print_boxes(Pagewise(ids), questions)
    print(json.dumps(report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--work", type=Path, help="keep the database here, and use it again")
    parser.add_argument("--rebuild", action="store_true", help="make chunks anew of stored pages")
    return parser.parse_args()


def read_questions(file: Path) -> list[Question]:
    """Read the answerable questions whose pages are known."""
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    answerable = [row for row in rows if row.get("answerable", True) is not False]
    return [Question.from_json(row) for row in answerable if row.get("gold_pages")]


class Pagewise:
    """The project's own search; a page ranks by its first hit."""

    def __init__(self, ids: dict[str, int]) -> None:
        self._ids = ids
        self._names = {pk: name for name, pk in ids.items()}

    def hits(self, question: str, within: Sequence[str] | None) -> tuple[Any, ...]:
        from retrieval.candidates import CandidateFilter
        from retrieval.search import search

        allowed = self._ids.values() if within is None else [self._ids[name] for name in within]
        where = CandidateFilter(document_ids=frozenset(allowed))
        result = search(question, where=where, top_k=DEPTH, use_cache=False)
        check_complete(result.notes)
        return result.hits

    def rank(self, question: str, within: Sequence[str] | None) -> list[PageKey]:
        pages: dict[PageKey, None] = {}
        for hit in self.hits(question, within):
            name = self._names[hit.chunk.document_id]
            for number in pages_of(hit.chunk):
                pages.setdefault((name, number))
        return list(pages)


def pages_of(chunk: Any) -> list[int]:
    """Return the pages that a chunk stands on, the one with most of its text first."""
    shares: dict[int, int] = {}
    for start, end, page, *_ in chunk.spans:
        shares[page] = shares.get(page, 0) + end - start
    return sorted(shares, key=lambda page: -shares[page]) or [chunk.page_number]


def _baselines(paths: Sequence[Path], work: Path) -> dict[str, Ranker]:
    from benchmarks.baselines import BM25, Naive, page_texts
    from retrieval.embedders import embedder_for

    pages = {key: text for path in paths for key, text in page_texts(path).items()}
    naive = Naive(pages, embedder_for("text"), work / "naive.npy")
    return {"naive": naive.rank, "bm25": BM25(pages).rank}


def _measure(rankers: dict[str, Ranker], questions: Sequence[Question]) -> dict[str, Any]:
    report: dict[str, Any] = {"questions": len(questions)}
    for scope in ("document", "corpus"):
        report[scope] = {}
        for name, rank in rankers.items():
            rankings = [
                rank(question.text, [question.doc] if scope == "document" else None)
                for question in questions
            ]
            report[scope][name] = _recalls(questions, rankings)
            _print_row(scope, name, questions, rankings)
    return report


def _recalls(questions: Sequence[Question], rankings: Sequence[list[PageKey]]) -> dict[str, float]:
    pairs = list(zip(questions, rankings, strict=True))
    return {str(k): mean([_recall(q, ranking, k) for q, ranking in pairs]) for k in CUTS}


def _recall(question: Question, ranking: list[PageKey], k: int) -> float:
    return page_recall(ranking, [(question.doc, page) for page in question.gold_pages], k)


def _print_row(
    scope: str, name: str, questions: Sequence[Question], rankings: Sequence[list[PageKey]]
) -> None:
    by_kind: dict[str, list[tuple[Question, list[PageKey]]]] = {}
    for question, ranking in zip(questions, rankings, strict=True):
        for kind in ("all", *question.kinds):
            by_kind.setdefault(kind, []).append((question, ranking))
    for kind, pairs in by_kind.items():
        cells = [f"{100 * mean([_recall(q, r, k) for q, r in pairs]):5.1f}" for k in CUTS]
        print(f"{scope:9}{name:9}{kind:7}{len(pairs):4}  " + " ".join(cells))


def _print_boxes(pagewise: Pagewise, questions: Sequence[Question]) -> None:
    """Print how many gold boxes are mostly covered by one box of the first ten hits."""
    shares = []
    for question in questions:
        if not question.gold_boxes:
            continue
        hits = pagewise.hits(question.text, [question.doc])[:10]
        boxes = [box for hit in hits for box in boxes_of(hit.chunk)]
        for page, gold in question.gold_boxes:
            shares.append(max((coverage(gold, b) for p, b in boxes if p == page), default=0.0))
    if shares:
        covered = mean([float(share >= 0.5) for share in shares])
        print(f"boxes: {len(shares)} gold boxes, mean covered {mean(shares)}, half {covered}")


def boxes_of(chunk: Any) -> list[tuple[int, Sequence[float]]]:
    """Return the whole place of a chunk on each of its pages."""
    boxes: dict[int, list[float]] = {}
    for _, _, page, *box in chunk.spans or [[0, 0, chunk.page_number, *chunk.box]]:
        old = boxes.get(page, box)
        boxes[page] = [*map(min, old[:2], box[:2]), *map(max, old[2:], box[2:])]
    return list(boxes.items())


if __name__ == "__main__":
    main()
