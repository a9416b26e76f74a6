"""Count tokens as the embedding model does, and know how many of them it reads."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from ingestion import hub, weights
from ingestion.errors import PermanentError, TransientError

# What a model reads where nothing says otherwise.
USUAL_LIMIT = 512
# Models state a limit this high to say that they have none.
NO_LIMIT = 100_000


@functools.cache
def token_counter(model: str) -> tuple[Callable[[str], int], int]:
    """Return a function that counts a text's tokens, special ones included, and the limit.

    The limit is what the model really reads: all-MiniLM-L6-v2 reads 256 word pieces, though
    its configuration names 512 positions. Raises PermanentError where the model's files are
    not there, and HubAway where they cannot be fetched now.
    """
    folder = _folder(model)
    count = _counter(folder, model)
    return count, limit_of(folder)


def _folder(model: str) -> Path:
    found = weights.locate(
        model,
        kind="sentence_transformer",
        models_dir=settings.MODELS_DIR,
        allow_downloads=settings.MODEL_DOWNLOADS,
    )
    if not found.available or not (found.config or found.path):
        error = hub.HubAway if found.may_pass else PermanentError
        raise error(f"The text model {model} is not available. {found.advice}")
    return Path(found.config or str(found.path))


def _counter(folder: Path, model: str) -> Callable[[str], int]:
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if not file.is_file():
        raise PermanentError(f"The text model {model} has no tokenizer.json in {folder}.")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except OSError as exc:
        raise TransientError(f"{file} cannot be read: {exc.strerror}.") from exc
    # The file carries the length that batches are padded and cut to.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text).ids)


def limit_of(folder: Path) -> int:
    """Return how many tokens, special ones included, the model in the folder reads."""
    stated = [
        _read(folder / "sentence_bert_config.json").get("max_seq_length"),
        _read(folder / "tokenizer_config.json").get("model_max_length"),
        _read(folder / "config.json").get("max_position_embeddings"),
    ]
    limits = [int(limit) for limit in stated if limit and limit < NO_LIMIT]
    return min(limits, default=USUAL_LIMIT)


def _read(file: Path) -> dict[str, int]:
    return json.loads(file.read_text()) if file.is_file() else {}
