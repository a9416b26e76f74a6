import pytest
from huggingface_hub import constants

from ingestion import hub
from ingestion.errors import PermanentError
from ingestion.tokenizer import token_counter

MINI_LM = "sentence-transformers/all-MiniLM-L6-v2"


def test_counts_word_pieces_and_knows_the_models_real_limit() -> None:
    count, limit = token_counter(MINI_LM)
    assert limit == 256
    assert count("") == 2
    assert count("unaffable") > 3
    assert count("word " * 400) == 402


def test_a_model_that_is_not_there_is_named(settings) -> None:
    settings.MODEL_DOWNLOADS = False
    with pytest.raises(PermanentError, match="nobody/nothing"):
        token_counter("nobody/nothing")


def test_a_hub_that_is_away_may_come_back(settings, tmp_path, monkeypatch) -> None:
    settings.MODEL_DOWNLOADS = True
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "_answers", lambda endpoint: False)
    with pytest.raises(hub.HubAway, match="cannot be reached"):
        token_counter("nobody/nothing")
