"""A local model in its own process: a tiny one of SmolVLM's kind, with random weights."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from answers.images import data_url
from answers.prompting import render
from answers.readers import PromptTooLong, reader_for
from tests.answers.conftest import jpeg
from tests.answers.pieces import piece

pytestmark = [pytest.mark.once, pytest.mark.services]

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}:{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
CONTEXT_TOKENS = 6000


def save_tiny_model(folder: Path) -> None:
    """Write a checkpoint in the real format: SmolVLM's architecture, one byte a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessor,
        Idefics3Processor,
        PreTrainedTokenizerFast,
    )

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<end_of_utterance>",
        pad_token="<pad>",
        bos_token="<|im_start|>",
    )
    marks = ["<image>", "<fake_token_around_image>", "<global-img>"]
    fast.add_special_tokens({"additional_special_tokens": marks})
    images = Idefics3ImageProcessor(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_image_splitting=False
    )
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    config = Idefics3Config(  # type: ignore[call-arg]
        vision_config={**small, "num_attention_heads": 2, "image_size": 32, "patch_size": 8},
        text_config={
            **small,
            "model_type": "llama",
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "vocab_size": len(fast),
            "max_position_embeddings": CONTEXT_TOKENS,
            "pad_token_id": fast.pad_token_id,
        },
        scale_factor=2,
        image_token_id=fast.convert_tokens_to_ids("<image>"),
        pad_token_id=fast.pad_token_id,
    )
    model = Idefics3ForConditionalGeneration(config)
    model.save_pretrained(folder)
    Idefics3Processor(images, fast, image_seq_len=4, chat_template=TEMPLATE).save_pretrained(folder)


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("tiny-vlm")
    save_tiny_model(folder)
    command = [
        *(sys.executable, "-m", "answers.readers.local_server", "--model", str(folder)),
        *("--port", "0", "--context-tokens", str(CONTEXT_TOKENS)),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        line = next(line for line in server.stdout if " is ready at " in line)
        yield line.split()[-1]
        server.kill()


@pytest.fixture
def local(settings, address):
    settings.READERS = {"local": "answers.readers.openai_compatible.OpenAICompatibleReader"}
    settings.ENDPOINTS = {
        "local": {"base_url": address, "model": "tiny", "max_output_tokens": 24, "profile": "local"}
    }
    return reader_for("local")


@pytest.mark.parametrize("images", [{}, {1: data_url(jpeg(), longest=64)}])
def test_it_answers_text_and_images(local, images):
    prompt = render("What is it?", [piece("Some words.", kind="table")], images=images)
    deltas = list(local.stream(prompt))
    usage = {name: n for delta in deltas for name, n in delta.usage.items()}
    # Its weights are random: that it says something is all that can be told.
    assert "".join(delta.text for delta in deltas)
    assert usage["prompt_tokens"] > 500
    assert 0 < usage["completion_tokens"] <= 24
    assert not any("takes no images" in delta.note for delta in deltas)


def test_a_prompt_that_is_too_long_is_refused_so_that_it_can_be_cut(local):
    with pytest.raises(PromptTooLong):
        list(local.stream(render("What is it?", [piece("A long passage. " * 500)])))


def test_a_reader_that_leaves_frees_the_model_for_the_next(local):
    leaving = local.stream(render("What is it?", [piece()]))
    next(leaving)
    leaving.close()
    assert list(local.stream(render("What is it?", [piece()])))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"messages": 3}',
        b'{"messages": [{"role": "user"}]}',
        json.dumps(
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "http://x/a.png"}}],
                    }
                ]
            }
        ).encode(),
    ],
)
def test_what_is_no_request_is_refused(address, body):
    connection = http.client.HTTPConnection(address.split("/")[2], timeout=20)
    connection.request("POST", "/v1/chat/completions", body)
    response = connection.getresponse()
    assert response.status == 400
    assert json.loads(response.read())["error"]["type"] == "invalid_request_error"
    connection.close()


def test_it_lists_its_model(address):
    connection = http.client.HTTPConnection(address.split("/")[2], timeout=20)
    connection.request("GET", "/v1/models")
    assert "tiny-vlm" in json.loads(connection.getresponse().read())["data"][0]["id"]
    connection.close()
