import pytest

from retrieval import rerank
from retrieval.embedders import ModelUnavailable
from tests.retrieval.tiny_models import save_cross_encoder, save_text_encoder

MODEL = "cross-encoder/ms-marco-MiniLM-L-6-v2"


@pytest.fixture(autouse=True)
def fresh():
    rerank._loaded.cache_clear()
    yield
    rerank._loaded.cache_clear()


def test_without_weights_it_says_what_to_do(settings):
    with pytest.raises(ModelUnavailable, match=f"hf download {MODEL}"):
        rerank.load()


def test_scores_come_back_in_the_order_of_the_passages(settings):
    save_cross_encoder(settings.MODELS_DIR / MODEL)
    reranker = rerank.load()
    passages = ["the revenue rose " * 9, "cat", "the cat", "revenue rose"]
    together = reranker.scores("revenue", passages)
    alone = [reranker.scores("revenue", [passage])[0] for passage in passages]
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(set(together)) > 1
    assert reranker.scores("revenue", []) == []


def test_it_is_loaded_once(settings):
    save_cross_encoder(settings.MODELS_DIR / MODEL)
    assert rerank.load() is rerank.load()


def test_a_plain_encoder_is_never_given_a_random_head(settings):
    save_text_encoder(settings.MODELS_DIR / MODEL)
    with pytest.raises(ModelUnavailable, match="lacks a scoring head"):
        rerank.load()
