"""The ONNX form of a text encoder: made, checked, used, and done without."""

import json

import numpy as np
import pytest

from ingestion.weights import Weights
from retrieval import compiling, embedders
from retrieval.embedders import compiled, compiled_place, embedder_for, plan_for
from retrieval.status import model_states
from tests.retrieval.tiny_models import save_text_encoder

TEXTS = ["the cat", "revenue rose the revenue rose", "cat"]


@pytest.fixture
def encoder(settings, tmp_path):
    folder = save_text_encoder(tmp_path / "encoder")
    # A model with prompts is left to its own library.
    prompts = {"prompts": {"clustering": "the "}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    settings.SPACES = {"text": {**settings.SPACES["text"], "model": str(folder)}}
    settings.COMPILE_ENCODERS = True
    embedders.forget_all()
    yield folder
    embedders.forget_all()


def test_a_compiled_encoder_takes_over_in_a_running_process_with_the_same_vectors(encoder):
    embedder = embedder_for("text")
    before = embedder.encode_texts(TEXTS)
    assert embedder._compiled is None
    assert compiling.runtime_of(plan_for("text").weights) == "PyTorch"
    assert compiling.is_due()

    compiling.compile_all()

    after = embedder.encode_texts(TEXTS)
    assert embedder._compiled is not None
    assert np.allclose(before, after, atol=1e-5)
    assert np.allclose(embedder.encode_queries(TEXTS[:1]), before[:1], atol=1e-5)
    assert not compiling.is_due()
    assert model_states()[0].runtime == "ONNX Runtime"


def test_other_weights_are_compiled_anew(encoder):
    place = compiled_place(plan_for("text").weights)
    (encoder / "model.safetensors").touch()
    assert compiled_place(plan_for("text").weights) != place


def test_a_failed_export_leaves_pytorch_and_says_why(encoder):
    (encoder / "model.safetensors").write_bytes(b"damaged")
    compiling.compile_all()
    assert not compiling.is_due()
    assert compiling.runtime_of(plan_for("text").weights).startswith("PyTorch (")


def test_a_damaged_export_is_not_run(encoder):
    place = compiled_place(plan_for("text").weights)
    place.mkdir(parents=True)
    (place / compiled.MODEL_FILE).write_bytes(b"half")
    (place / compiled.OUTCOME_FILE).write_text(json.dumps({"cosine": 1.0, "failure": ""}))
    embedder = embedder_for("text")
    assert embedder.encode_texts(TEXTS).shape == (3, 16)
    assert embedder._compiled is None


def test_nothing_is_compiled_where_the_settings_say_so(encoder, settings):
    settings.COMPILE_ENCODERS = False
    assert not compiling.is_due()
    assert compiling.runtime_of(Weights("m", "open_clip")) == ""
