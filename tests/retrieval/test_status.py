from retrieval.checks import models_can_be_had
from retrieval.status import model_states
from tests.retrieval.tiny_models import save_clip, save_cross_encoder


def states():
    return {state.name: state for state in model_states()}


def test_what_is_there_says_where_from():
    text = states()["text"]
    assert (text.available, text.source, text.advice) == (True, "package", "")


def test_without_clip_it_says_how_the_image_space_is_filled(settings):
    image = states()["image"]
    assert not image.available
    assert not image.required
    assert "filled from each figure's caption, its inner text and the text that refers to it, " in (
        image.advice
    )
    assert f"with the text encoder {settings.TEXT_MODEL}" in image.advice
    assert str(settings.MODELS_DIR) in image.advice


def test_without_a_reranker_the_fused_order_stands():
    assert states()["rerank"].advice.startswith("Hits keep the order of the fused lists.")


def test_checks_warn_of_each_model_that_is_missing(settings):
    found = models_can_be_had(None)
    assert [warning.msg for warning in found] == [
        f"The model {settings.IMAGE_MODEL} is not there.",
        f"The model {settings.RERANK_MODEL} is not there.",
    ]
    assert all(warning.hint for warning in found)


def test_checks_are_silent_when_all_models_are_there(settings):
    save_clip(settings.MODELS_DIR / settings.IMAGE_MODEL)
    save_cross_encoder(settings.MODELS_DIR / settings.RERANK_MODEL)
    assert models_can_be_had(None) == []
    assert states()["image"].path == str(settings.MODELS_DIR / settings.IMAGE_MODEL)


def test_a_missing_text_model_stops_the_space(settings):
    settings.SPACES = {"text": {**settings.SPACES["text"], "model": "nobody/nothing"}}
    text = states()["text"]
    assert text.required
    assert text.advice.startswith("The text space is not filled or searched.")
