"""Choose a text model and its index from what compare_models has measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from retrieval.model_comparison import FILE, PRIORITIES, Measured, recommended, sized


class Command(BaseCommand):
    help = "Choose a text model and its index from what compare_models has measured here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--corpus", type=int, required=True, help="chunks to be searched")
        parser.add_argument("--query-ms", type=float, help="longest time to encode a query")
        parser.add_argument("--megabytes", type=float, help="most memory for the index")
        parser.add_argument("--priority", choices=PRIORITIES, default="quality")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = recommended(
                [sized(each, options["corpus"]) for each in _measured()],
                query_ms=options["query_ms"],
                megabytes=options["megabytes"],
                priority=options["priority"],
            )
        except LookupError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(
            f"{chosen.model}: nDCG@10 {chosen.ndcg_at_10:.3f}, query {chosen.query_ms:.1f} ms, "
            f"{chosen.megabytes:.0f} MB for {chosen.corpus:,} chunks. In data/spaces.toml:"
        )
        name, _, cut = chosen.model.partition("@")
        self.stdout.write(f'[text]\nmodel = "{name}"')
        if cut:
            self.stdout.write(f"dimensions = {cut}")
        self.stdout.write("[text.index]")
        names = {"m": "M"}
        # How many lists there are follows the corpus as it grows.
        fixed = {
            key: value for key, value in chosen.index.items() if key not in ("lists", "probes")
        }
        for key, value in fixed.items():
            self.stdout.write(f"{names.get(key, key)} = {json.dumps(value)}")


def _measured() -> list[Measured]:
    place = Path(settings.DATA_DIR) / FILE
    try:
        return [Measured(**row) for row in json.loads(place.read_text())]
    except FileNotFoundError as exc:
        raise CommandError("Nothing has been measured yet: run compare_models first.") from exc
    except (OSError, ValueError, TypeError) as exc:
        raise CommandError(f"{place} cannot be read; run compare_models anew.") from exc
