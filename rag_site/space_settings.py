"""Read index spaces from a TOML file: further ones, or other values for those that are there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

EMBEDDERS = {
    "sentence_transformer": "retrieval.embedders.sentence_transformer.SentenceTransformerEmbedder",
    "open_clip": "retrieval.embedders.open_clip.OpenClipEmbedder",
    "openai_compatible": "retrieval.embedders.openai_compatible.OpenAICompatibleEmbedder",
}
CHOICES: dict[str, tuple[str, ...]] = {
    "metric": ("model", "cosine", "dot", "l2"),
    "input": ("text", "image"),
    "kinds": ("text", "table", "image"),
    "embedder": tuple(EMBEDDERS),
}
# What these mean, and what of them goes with which type: see retrieval.index_plan.
INDEX = {"type": "auto", "M": 32, "ef_construction": 200, "ef_search": 512}
INDEX_FIELDS = {*INDEX, "lists", "probes"}
INDEX_TYPES = ("auto", "flat", "ivf_rabitq", "hnsw", "hnsw_sq8")
DEFAULTS: dict[str, Any] = {
    "embedder": EMBEDDERS["sentence_transformer"],
    "metric": "model",
    "kinds": ["text", "table", "image"],
    "input": "text",
    "batch_size": 32,
    "index": INDEX,
}
NUMBERS = ("batch_size", "dimensions")
FIELDS = {*DEFAULTS, *NUMBERS, "model", "options"}
OPTIONS = {
    "openai_compatible": {
        *("base_url", "api_key", "api_key_env", "timeout", "retries"),
        *("batch_size", "query_prefix", "document_prefix"),
    }
}
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
KEYWORDS = "keywords"


def read(
    path: Path, spaces: Mapping[str, dict[str, Any]], environment: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the spaces with those of the file; as they are where there is no file.

    An option `api_key_env` names the variable that holds the key. Raises ValueError with a
    sentence that says what to set.
    """
    merged = deepcopy(dict(spaces))
    try:
        given = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return merged
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ValueError(f"{path} cannot be read as TOML: {exc}") from exc
    for name, config in given.items():
        try:
            merged[name] = _space(name, config, merged.get(name), environment)
        except ValueError as exc:
            raise ValueError(f"{path}, [{name}]: {exc}") from exc
    return merged


def _space(
    name: str, given: Any, there: dict[str, Any] | None, environment: Mapping[str, str]
) -> dict[str, Any]:
    if not NAME.fullmatch(name) or name == KEYWORDS:
        raise ValueError("a space's name is a short word in small letters, not `keywords`.")
    if not isinstance(given, dict):
        raise ValueError("a space is a table of settings.")
    _known(given, FIELDS)
    for field, choices in CHOICES.items():
        values = given.get(field, [])
        for value in values if isinstance(values, list) else [values]:
            if value not in choices:
                raise ValueError(f"{field} must be of {', '.join(choices)}, not {value!r}.")
    for field in NUMBERS:
        if field in given and not _is_positive(given[field]):
            raise ValueError(f"{field} must be a whole number from 1.")
    config = {**deepcopy(there or DEFAULTS), **given}
    if "embedder" in given:
        config["embedder"] = EMBEDDERS[given["embedder"]]
    if not isinstance(config.get("model"), str) or not config["model"]:
        raise ValueError("name its model.")
    config["index"] = _index(given.get("index", {}), (there or DEFAULTS)["index"])
    return {**config, **_options(config, environment)}


def _index(given: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"index is a table of {', '.join(sorted(INDEX_FIELDS))}.")
    _known(given, INDEX_FIELDS)
    if given.get("type", "auto") not in INDEX_TYPES:
        raise ValueError(f"index.type must be of {', '.join(INDEX_TYPES)}.")
    for field in given.keys() - {"type"}:
        if not _is_positive(given[field]):
            raise ValueError(f"index.{field} must be a whole number from 1.")
    return {**before, **given}


def _options(config: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    kind = next((name for name, path in EMBEDDERS.items() if path == config["embedder"]), "")
    options = dict(config.get("options", {}))
    _known(options, OPTIONS.get(kind, set()))
    if kind == "openai_compatible" and not _is_url(options.get("base_url")):
        raise ValueError('options.base_url must be a URL, such as "http://127.0.0.1:8080/v1".')
    if variable := options.pop("api_key_env", ""):
        if not environment.get(variable):
            raise ValueError(f"options.api_key_env names {variable}, which is not set.")
        options["api_key"] = environment[variable]
    return {"options": options} if options else {}


def _known(given: Mapping[str, Any], fields: set[str]) -> None:
    if unknown := sorted(set(given) - fields):
        there = ", ".join(sorted(fields)) or "none"
        raise ValueError(f"{', '.join(unknown)} is not known here; there is {there}.")


def _is_positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
