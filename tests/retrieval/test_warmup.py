import pytest

from retrieval import embedders
from retrieval.warmup import warm


# It closes the connection that it used, which a test's own transaction would not survive.
@pytest.mark.django_db(transaction=True)
def test_live_encoders_are_loaded_and_missing_models_left_out(library, settings, caplog):
    (settings.MODELS_DIR / "pear-eye.safetensors").unlink()
    caplog.set_level("INFO")
    warm()
    assert {key[1] for key in embedders._loaded} == {"fruit-1"}
    assert "Searches are not reranked: " in caplog.text
