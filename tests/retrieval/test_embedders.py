import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from ingestion.errors import PermanentError
from ingestion.weights import Weights
from retrieval import embedders
from retrieval.embedders import InputRefused, ModelUnavailable, bert, embedder_for, plan_for
from retrieval.embedders.bert import BertEmbedder
from retrieval.embedders.bert_graph import BLOCK, in_eight_bits
from retrieval.embedders.sentence_transformer import SentenceTransformerEmbedder
from tests.retrieval.tiny_models import picture, save_clip, save_text_encoder

CLIP = "ViT-B-32/laion2b_s34b_b79k"


@pytest.fixture(autouse=True)
def offline(settings, tmp_path):
    settings.MODEL_DOWNLOADS = False
    settings.MODELS_DIR = tmp_path / "models"
    embedders.forget_all()
    yield
    embedders.forget_all()


@pytest.fixture
def clip(settings):
    return save_clip(settings.MODELS_DIR / CLIP)


def test_plan_for_the_text_space_loads_nothing(monkeypatch):
    monkeypatch.setattr(embedders, "_load", None)
    plan = plan_for("text")
    assert (plan.dimension, plan.metric, plan.input) == (384, "cosine", "text")
    assert plan.available
    assert plan.at_hand


def test_without_clip_the_image_space_falls_back_to_text(settings):
    plan = plan_for("image")
    assert plan.model == f"text:{settings.TEXT_MODEL}"
    assert (plan.dimension, plan.input, plan.is_fallback) == (384, "text", True)
    assert CLIP in plan.advice
    assert embedder_for("image") is embedder_for("text")


def test_with_clip_the_image_space_takes_images(clip):
    plan = plan_for("image")
    assert (plan.model, plan.dimension, plan.input, plan.is_fallback) == (CLIP, 24, "image", False)


def test_vectors_of_an_earlier_model_keep_their_own_encoder(clip, settings):
    plan = plan_for("image", f"text:{settings.TEXT_MODEL}")
    assert (plan.is_fallback, plan.dimension) == (True, 384)
    assert embedder_for("image", plan.model).dimension == 384
    assert embedder_for("image").dimension == 24


def test_a_model_that_cannot_be_had_says_what_to_do(settings):
    del settings.SPACES["image"]["fallback"]
    try:
        assert not plan_for("image").available
        with pytest.raises(ModelUnavailable, match="Put the model's files into"):
            embedder_for("image")
    finally:
        settings.SPACES["image"]["fallback"] = "text"


def test_many_threads_load_one_model(monkeypatch):
    loads = []
    real = embedders._load

    def counted(plan):
        loads.append(plan)
        return real(plan)

    monkeypatch.setattr(embedders, "_load", counted)
    threads = [threading.Thread(target=embedder_for, args=["text"]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


def test_minilm_brings_like_meanings_together():
    encoder = embedder_for("text")
    passages = encoder.encode_texts(["Revenue rose by a tenth.", "The cat sleeps on the sofa."])
    query = encoder.encode_queries(["How much did sales grow?"])
    assert passages.dtype == np.float32
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)
    near, far = (passages @ query[0]).tolist()
    assert near > far + 0.2


def test_order_of_the_texts_does_not_change_their_vectors():
    encoder = embedder_for("text")
    texts = ["short", "a very much longer passage " * 20, "of middle length, about ten words"]
    forward = encoder.encode_texts(texts)
    backward = encoder.encode_texts(texts[::-1])[::-1]
    assert np.allclose(forward, backward, atol=1e-4)


def test_a_bert_runs_without_torch_and_gives_the_same_vectors():
    weights = plan_for("text").weights
    texts = ["", "Revenue rose.", "Umsätze stiegen deutlich: 12 % " * 100, "a b c"]
    ours = embedder_for("text")
    assert isinstance(ours, BertEmbedder)
    theirs = SentenceTransformerEmbedder(weights, metric="cosine", threads=1)
    assert np.allclose(ours.encode_texts(texts), theirs.encode_texts(texts), atol=1e-5)


def test_a_question_in_eight_bits_is_nearly_the_same_and_needs_no_second_network():
    encoder = BertEmbedder(plan_for("text").weights, metric="cosine", threads=1)
    texts = ["Revenue?", "How much did sales grow in 2019, and why?", "Umsätze stiegen um 12 %"]
    questions = encoder.encode_queries(texts)
    assert list(encoder._networks) == [True]
    cosines = (questions * encoder.encode_texts(texts)).sum(axis=1)
    assert np.all(cosines > 0.999)
    assert np.all(cosines < 0.999999)


def test_weights_of_eight_bits_keep_each_number_to_half_a_step():
    weight = np.random.default_rng(1).normal(size=(2 * BLOCK, 3)).astype(np.float32)
    weight[:BLOCK, 0] = 0
    numbers, scales = in_eight_bits(weight)
    assert (numbers.shape, numbers.dtype) == ((3, 2, BLOCK), np.uint8)
    again = (numbers.astype(np.float32) - 128) * scales[..., None]
    error = np.abs(again - weight.T.reshape(3, 2, BLOCK))
    assert np.all(error <= scales[..., None] * 0.5001)
    assert np.all(again[0, 0] == 0)


def test_matrices_that_no_blocks_fit_stay_as_they_are(tmp_path):
    folder = save_text_encoder(tmp_path / "encoder")
    weights = Weights("tiny", "sentence_transformer", path=str(folder), config=str(folder))
    encoder = BertEmbedder(weights, metric="cosine", threads=1)
    texts = ["revenue rose", "the cat"]
    assert np.allclose(encoder.encode_queries(texts), encoder.encode_texts(texts), atol=1e-6)


def test_loading_the_text_model_imports_no_torch():
    code = (
        "import sys, django; django.setup();"
        "from retrieval.embedders import embedder_for;"
        "embedder_for('text').encode_texts(['a passage']);"
        "sys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "rag_site.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == 0


def test_what_is_no_plain_bert_is_left_to_the_library(tmp_path):
    folder = save_text_encoder(tmp_path / "encoder")
    weights = Weights("tiny", "sentence_transformer", path=str(folder))
    assert bert.can_run(weights)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "mpnet"}))
    assert not bert.can_run(weights)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: "}}')
    assert not bert.can_run(weights)


def test_nothing_to_encode_gives_no_rows():
    assert embedder_for("text").encode_texts([]).shape == (0, 384)


def test_a_text_model_refuses_images():
    with pytest.raises(PermanentError, match="text only"):
        embedder_for("text").encode_images([picture("red")])


def test_dot_product_models_are_not_normalised(settings, tmp_path):
    folder = save_text_encoder(tmp_path / "encoder")
    spaces = {"text": {**settings.SPACES["text"], "model": str(folder), "metric": "dot"}}
    settings.SPACES = spaces
    assert plan_for("text").dimension == 16
    vectors = embedder_for("text").encode_texts(["revenue rose", "the cat"])
    assert vectors.shape == (2, 16)
    assert not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)


def test_damaged_weights_are_a_clear_state(settings, tmp_path):
    folder = save_text_encoder(tmp_path / "encoder")
    (folder / "model.safetensors").write_bytes(b"half a file")
    settings.SPACES = {"text": {**settings.SPACES["text"], "model": str(folder)}}
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        embedder_for("text")


def test_clip_encodes_images_and_texts_into_one_space(clip):
    encoder = embedder_for("image")
    images = encoder.encode_images([picture("red"), picture("blue"), picture("red")], batch_size=2)
    texts = encoder.encode_queries(["a red square", "profit"])
    assert images.shape == (3, 24)
    assert texts.shape == (2, 24)
    assert np.allclose(np.linalg.norm(np.vstack([images, texts]), axis=1), 1, atol=1e-5)
    assert np.allclose(images[0], images[2], atol=1e-5)
    assert not np.allclose(images[0], images[1], atol=1e-3)


def test_clip_weights_as_one_file(settings, tmp_path, monkeypatch):
    import open_clip

    folder = save_clip(tmp_path / "published")
    (folder / "ViT-tiny.json").write_text(open_clip_settings(folder))
    open_clip.add_model_config(folder / "ViT-tiny.json")
    monkeypatch.setattr("retrieval.embedders.open_clip._known_models", lambda: folder)
    settings.MODELS_DIR.mkdir()
    (folder / "open_clip_model.safetensors").rename(
        settings.MODELS_DIR / "ViT-tiny-mine.safetensors"
    )
    settings.SPACES = {"image": {**settings.SPACES["image"], "model": "ViT-tiny/mine"}}
    encoder = embedder_for("image")
    assert encoder.encode_images([picture("red")]).shape == (1, 24)


def open_clip_settings(folder) -> str:
    import json

    return json.dumps(json.loads((folder / "open_clip_config.json").read_text())["model_cfg"])


@pytest.mark.parametrize("damaged", [b"not an image", picture("red")[:60]], ids=["none", "cut"])
def test_an_image_that_cannot_be_read(clip, damaged):
    with pytest.raises(InputRefused, match="cannot be read"):
        embedder_for("image").encode_images([damaged])


def test_pictures_are_shrunk_one_after_the_other(clip, monkeypatch):
    from PIL import Image

    encoder, steps = embedder_for("image"), []
    really_open, really_shrink = Image.open, encoder._preprocess

    def opened(file):
        steps.append("open")
        return really_open(file)

    def shrunk(picture):
        steps.append("shrink")
        return really_shrink(picture)

    monkeypatch.setattr(Image, "open", opened)
    monkeypatch.setattr(encoder, "_preprocess", shrunk)
    encoder.encode_images([picture("red"), picture("blue")])
    assert steps == ["open", "shrink", "open", "shrink"]


@pytest.mark.parametrize(
    ("cores", "processes", "threads"), [(2, 2, 1), (8, 2, 4), (2, 4, 1), (None, 1, 1)]
)
def test_processes_share_the_cores(settings, monkeypatch, cores, processes, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    settings.WORKER_PROCESSES = processes
    assert embedders.model_threads() == threads
