"""Measure answers of the real search and a real reader against known answers and pages.

    python -m benchmarks.answer_quality --data DIR --questions FILE --reader NAME [--work DIR]

DIR holds `pdfs/`; FILE has JSON lines of id, doc, question, answer, gold_pages and, where
known, answerable and gold (pages in several documents). NAME is a reader that the environment
sets up, such as "extractive"; see "Readers" in README.md. A question is asked as in the chat,
of its own document (of all that a pattern in `doc` names). `--work` keeps the database for the
next run; `--half` takes every other document, to tune on one half and confirm on the other.
The last line printed is JSON; benchmarks/answer_measures.py says what its numbers mean.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.workspace import ingest, open_workspace

Row = dict[str, Any]


def main() -> None:
    arguments = _arguments()
    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines() if line]
    files = sorted((arguments.data / "pdfs").glob("*.pdf"))
    rows = _chosen(rows, arguments.half, arguments.limit)
    with tempfile.TemporaryDirectory(prefix="pagewise-answers-") as scratch:
        open_workspace(arguments.work or Path(scratch))
        wanted = [file for file in files if any(fnmatch(file.name, row["doc"]) for row in rows)]
        ids = ingest(wanted)
        from benchmarks.answer_measures import summary

        _warm_up()
        outcomes = []
        with _details(arguments.details) as details:
            for row in rows:
                outcome, said = _answer(row, arguments.reader, ids)
                outcomes.append(outcome)
                details.write(json.dumps(said) + "\n")
                details.flush()
    report = summary(outcomes)
    for name, value in report.items():
        print(f"{name:24}{value:10}")
    print(json.dumps({"reader": arguments.reader, **report}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--work", type=Path, help="keep the database here, and use it again")
    parser.add_argument("--limit", type=int, help="so many questions, spread over the file")
    parser.add_argument("--half", type=int, choices=(0, 1), help="every other document only")
    parser.add_argument("--details", type=Path, help="write every answer here, as JSON lines")
    return parser.parse_args()


def _details(file: Path | None) -> Any:
    return (file or Path("/dev/null")).open("w")


def _chosen(rows: list[Row], half: int | None, limit: int | None) -> list[Row]:
    if half is not None:
        names = sorted({row["doc"] for row in rows})[half::2]
        rows = [row for row in rows if row["doc"] in names]
    if limit and limit < len(rows):
        rows = [rows[i * len(rows) // limit] for i in range(limit)]
    return rows


def _warm_up() -> None:
    """Load the models, which a running site has done before its first question."""
    from retrieval.embedders import embedder_for

    embedder_for("text").encode_queries(["warm up"])


def _answer(row: Row, reader: str, ids: dict[str, int]) -> tuple[Any, Row]:
    from django.contrib.auth import get_user_model

    from answers import answering, conversations
    from ingestion.models import Document

    owner = get_user_model().objects.get(username="benchmark")
    documents = Document.objects.filter(
        pk__in=[pk for name, pk in ids.items() if fnmatch(name, row["doc"])]
    )
    conversation = conversations.create(owner, documents=documents)
    try:
        answer = answering.answer_now(conversation, row["question"], reader=reader)
        return _outcome(row, answer, {pk: name for name, pk in ids.items()})
    finally:
        conversations.delete(conversation)


def _outcome(row: Row, answer: Any, names: dict[int, str]) -> tuple[Any, Row]:
    from answers.models import MessageState
    from benchmarks.answer_measures import Outcome, match

    cited = list(answer.citations.filter(cited=True))
    failed = answer.state == MessageState.FAILED
    refused = not failed and answer.grounded is False
    usage = answer.usage
    outcome = Outcome(
        answerable=row.get("answerable", True) is not False,
        refused=refused,
        failed=failed,
        gold_pages=frozenset(_gold(row)),
        cited_pages=frozenset(_pages(cited, names)),
        match=match(str(row["answer"]), answer.content),
        statements=len(answer.checks),
        unsupported=sum(check["verdict"] == "unsupported" for check in answer.checks),
        first_character=answer.timings.get("first_character", answer.timings["total"]),
        total=answer.timings["total"],
        tokens=usage.get("prompt_tokens") or usage.get("evidence_tokens", 0),
        images=usage.get("images", 0),
        words=len(answer.content.split()),
    )
    said = {
        **{name: row.get(name) for name in ("id", "doc", "question", "answer", "gold_pages")},
        **{"answerable": outcome.answerable, "refused": refused, "match": outcome.match},
        **{"error": answer.error, "content": answer.content, "checks": answer.checks},
        **{"cited": sorted(outcome.cited_pages)},
        "shown": sorted(
            {
                (names.get(citation.document_id, ""), citation.page_number)
                for citation in answer.citations.all()
            }
        ),
    }
    return outcome, said


def _gold(row: Row) -> Iterable[tuple[str, int]]:
    if row.get("gold"):
        return [(gold["doc"], gold["page"]) for gold in row["gold"] if gold.get("page")]
    return [(row["doc"], page) for page in row.get("gold_pages") or ()]


def _pages(citations: Iterable[Any], names: dict[int, str]) -> Iterable[tuple[str, int]]:
    """The pages that a citation opens at or boxes."""
    for citation in citations:
        for box in citation.boxes or [[citation.page_number]]:
            yield names.get(citation.document_id, ""), int(box[0])


if __name__ == "__main__":
    main()
