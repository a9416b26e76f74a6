"""A text encoder's network in ONNX: exported once, then run by ONNX Runtime instead of PyTorch.

A query is encoded several times faster that way, and to the same vector. The export is made by
a process of its own (`python -m retrieval.embedders.compiled SOURCE TARGET`), checked against
the original, and kept in a folder; the folder may be deleted at any time. This is the only
module that imports onnxruntime or the exporter.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ingestion.weights import WEIGHT_SUFFIXES, Weights

# Part of an export's identity: raise it when the export itself changes.
FORM = 1
MODEL_FILE = "model.onnx"
OUTCOME_FILE = "outcome.json"
EXPORT_SECONDS = 600
# An export whose vectors are further from the original's is not used.
LEAST_COSINE = 0.9999
SAMPLES = (
    "short",
    "What was the revenue of the company in 2019, and by how much had it grown?",
    "The committee may, at any time before the date on which the notes fall due, and on the "
    "terms that are set out in section 4.2, call for repayment in whole or in part. " * 3,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an export went: the lowest cosine to the original, or why there is none."""

    cosine: float = 0.0
    failure: str = ""


def place_of(weights: Weights, folder: Path) -> Path:
    """Return where the export of these weights lies; other weights have another place."""
    source = Path(str(weights.path))
    files = [path for path in source.rglob("*") if path.suffix in (*WEIGHT_SUFFIXES, ".json")]
    stamp = [
        (str(path.relative_to(source)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(files)
    ]
    identity = json.dumps([FORM, str(source), stamp]).encode()
    return folder / hashlib.blake2b(identity, digest_size=8).hexdigest()


def outcome_at(place: Path) -> Outcome | None:
    """Say how the export went that is kept there; None where none was tried yet."""
    try:
        return Outcome(**json.loads((place / OUTCOME_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def make(weights: Weights, place: Path) -> Outcome:
    """Export and check in a process of its own; takes seconds to a minute, and may be repeated."""
    command = [sys.executable, "-m", __name__, str(weights.path), str(place)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=EXPORT_SECONDS,
            check=False,
        )
        failure = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    except subprocess.TimeoutExpired:
        failure = f"it took longer than {EXPORT_SECONDS} s"
    outcome = outcome_at(place)
    if outcome is None:
        outcome = Outcome(failure=failure[:300])
        place.mkdir(parents=True, exist_ok=True)
        (place / OUTCOME_FILE).write_text(json.dumps(asdict(outcome)))
    return outcome


class CompiledNetwork:
    """Runs an export in place of a network's `forward`."""

    def __init__(self, file: Path, *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Waiting threads would otherwise spin, and take the cores from everything else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = [one.name for one in self._session.get_inputs()]

    def __call__(self, **features: Any) -> Any:
        """Take the tensors that the network takes; return its last hidden states, likewise."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        given = {name: features[name].numpy().astype(np.int64) for name in self._inputs}
        (states,) = self._session.run(None, given)
        return BaseModelOutput(last_hidden_state=torch.from_numpy(states))


def open_network(place: Path, *, threads: int) -> CompiledNetwork | None:
    """Open the export that is kept there; None where it is missing, failed or damaged."""
    outcome = outcome_at(place)
    if outcome is None or outcome.failure:
        return None
    try:
        return CompiledNetwork(place / MODEL_FILE, threads=threads)
    except Exception:  # noqa: BLE001 - its errors have no common class, and PyTorch is there.
        return None


# --- the process that exports ----------------------------------------------------------------


def _export(source: Path, place: Path) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(source), device="cpu", local_files_only=True)
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        file = Path(folder) / MODEL_FILE
        _write(encoder, file)
        outcome = _compared(encoder, file)
        if not outcome.failure:
            os.replace(file, place / MODEL_FILE)
        # Written last: who finds it finds the model.
        note = Path(folder) / OUTCOME_FILE
        note.write_text(json.dumps(asdict(outcome)))
        os.replace(note, place / OUTCOME_FILE)


def _write(encoder: Any, file: Path) -> None:
    import torch

    class States(torch.nn.Module):
        """The network with tensors in and its last hidden states out."""

        def __init__(self, network: Any, names: list[str]) -> None:
            super().__init__()
            self.network, self.names = network, names

        def forward(self, *tensors: Any) -> Any:
            given = dict(zip(self.names, tensors, strict=True))
            return self.network(**given).last_hidden_state

    features = encoder.preprocess(list(SAMPLES[:2]))
    given = {name: value for name, value in features.items() if torch.is_tensor(value)}
    taken = [name for name in given if name in ("input_ids", "attention_mask", "token_type_ids")]
    size = {0: torch.export.Dim("batch", min=1), 1: torch.export.Dim("tokens", min=2)}
    torch.onnx.export(
        # Evaluation mode, for the wrapper too: else the exporter keeps the dropout.
        States(encoder[0].auto_model, taken).eval(),
        tuple(given[name] for name in taken),
        str(file),
        input_names=taken,
        output_names=["states"],
        dynamic_shapes={"tensors": tuple(size for _ in taken)},
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _compared(encoder: Any, file: Path) -> Outcome:
    """Encode samples of several lengths both ways."""
    options = {"normalize_embeddings": True, "show_progress_bar": False}
    samples = [*SAMPLES, SAMPLES[0]]
    original = encoder.encode(samples, **options)
    encoder[0].auto_model.forward = CompiledNetwork(file, threads=1)
    both = [encoder.encode(samples, **options), np.stack([encoder.encode(s) for s in samples])]
    cosines = [
        np.einsum("nd,nd->n", original, made) / np.linalg.norm(made, axis=1) for made in both
    ]
    cosine = float(np.min(cosines))
    if not cosine >= LEAST_COSINE:
        return Outcome(cosine, f"its vectors differ from PyTorch's (cosine {cosine:.4f})")
    return Outcome(cosine)


if __name__ == "__main__":
    _export(Path(sys.argv[1]), Path(sys.argv[2]))
