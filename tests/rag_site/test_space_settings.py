import pytest

from rag_site import space_settings

BEFORE = {"text": {**space_settings.DEFAULTS, "model": "mine"}}


def read(tmp_path, text, environment=None):
    path = tmp_path / "spaces.toml"
    path.write_text(text)
    return space_settings.read(path, BEFORE, environment or {})


def test_without_a_file_the_spaces_stand(tmp_path):
    assert space_settings.read(tmp_path / "none.toml", BEFORE, {}) == BEFORE


def test_a_space_more_and_a_space_changed(tmp_path):
    found = read(
        tmp_path,
        """
        [text.index]
        type = "hnsw"
        M = 48
        [more]
        embedder = "openai_compatible"
        model = "m"
        dimensions = 256
        options = {base_url = "http://127.0.0.1:1/v1", api_key_env = "KEY", retries = 1}
        """,
        {"KEY": "secret"},
    )
    assert found["text"]["model"] == "mine"
    assert found["text"]["index"] == {**space_settings.INDEX, "type": "hnsw", "M": 48}
    more = found["more"]
    assert more["embedder"].endswith("OpenAICompatibleEmbedder")
    assert more["options"] == {
        "base_url": "http://127.0.0.1:1/v1",
        "retries": 1,
        "api_key": "secret",
    }
    assert (more["dimensions"], more["metric"], more["input"]) == (256, "model", "text")
    assert BEFORE["text"]["index"]["type"] == "auto"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[more", "cannot be read as TOML"),
        ("[more]", "name its model"),
        ("[keywords]\nmodel='m'", "a short word"),
        ("[more]\nmodel='m'\nmetrik='dot'", "metrik is not known here"),
        ("[more]\nmodel='m'\nmetric='near'", "metric must be of model, cosine, dot, l2"),
        ("[more]\nmodel='m'\nkinds=['video']", "kinds must be of text"),
        ("[more]\nmodel='m'\ndimensions=0", "dimensions must be a whole number"),
        ("[more]\nmodel='m'\nindex={type='tree'}", "index.type"),
        ("[more]\nmodel='m'\nindex={M='a'}", "index.M"),
        ("[more]\nmodel='m'\nembedder='openai_compatible'", "base_url"),
        ("[more]\nmodel='m'\noptions={a=1}", "a is not known"),
        (
            "[more]\nmodel='m'\nembedder='openai_compatible'\n"
            "options={base_url='http://x/v1', api_key_env='NO'}",
            "NO, which is not set",
        ),
    ],
)
def test_nonsense_is_refused_in_a_sentence(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)
