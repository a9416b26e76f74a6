"""Measure text models on a question set, and keep the numbers for recommend_model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingestion.errors import PermanentError, TransientError
from ingestion.models import Chunk
from retrieval import model_comparison
from retrieval.embedders import embedder_for
from retrieval.model_comparison import FILE, Measured
from retrieval.models import QuestionSet


class Command(BaseCommand):
    help = "Measure text models on a question set: speed, dimensions, memory, quality."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("set", help="name of the question set")
        parser.add_argument("models", nargs="+", help="a model, or a model cut to size: NAME@256")
        parser.add_argument("--space", default="text", help="whose embedder loads the models")
        parser.add_argument("--corpus", type=int, default=100_000, help="chunks to size memory for")
        parser.add_argument("--chunks", type=int, default=2000, help="encode so many at most")

    def handle(self, *args: Any, **options: Any) -> None:
        found = QuestionSet.objects.filter(name=options["set"]).first()
        if found is None:
            raise CommandError(f"There is no question set {options['set']}.")
        if options["space"] not in settings.SPACES:
            raise CommandError(f"There is no space {options['space']}.")
        questions = list(found.questions.select_related("document"))
        chunks = _chunks({question.document_id for question in questions}, options["chunks"])
        measured: list[Measured] = []
        for model in options["models"]:
            try:
                embedder = embedder_for(options["space"], model)
                one = model_comparison.measure(
                    model, embedder, chunks, questions, corpus=options["corpus"]
                )
            except (PermanentError, TransientError) as exc:
                self.stderr.write(f"{model}: {exc}")
                continue
            measured.append(one)
            self.stdout.write(_line(one))
        if not measured:
            raise CommandError("No model could be measured.")
        place = Path(settings.DATA_DIR) / FILE
        place.write_text(json.dumps([asdict(one) for one in measured], indent=2))
        self.stdout.write(f"Kept in {place}.")


def _chunks(documents: set[int], most: int) -> list[Chunk]:
    """Return all chunks of the documents. Raises CommandError when they are more than `most`."""
    chunks = Chunk.objects.live().filter(document__in=documents).order_by("document", "order")
    if chunks.count() > most:
        raise CommandError(
            f"The set's documents have {chunks.count():,} passages: raise --chunks to encode them."
        )
    return list(chunks)


def _line(one: Measured) -> str:
    return (
        f"{one.model}: {one.dimension} dimensions ({one.metric}), "
        f"{one.chunks_per_second:.0f} chunks/s, query {one.query_ms:.1f} ms, "
        f"{one.megabytes:.0f} MB for {one.corpus:,} chunks ({one.index['type']}), "
        f"recall@5 {one.recall_at_5:.3f}, nDCG@10 {one.ndcg_at_10:.3f}"
    )
