import http.server
import json
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants

from ingestion import hub
from ingestion.errors import TransientError
from ingestion.weights import fetch, locate

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
RERANKER = "cross-encoder/ms-marco-MiniLM-L-6-v2"
CLIP = "ViT-B-32/laion2b_s34b_b79k"


CONFIG = '{"architectures": ["BertForSequenceClassification"]}'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch) -> Path:
    folder = tmp_path / "hub-cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the discard port
    return folder


def place(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(CONFIG)
    return folder


def find(model, kind, models_dir, *, downloads=False):
    return locate(model, kind=kind, models_dir=models_dir, allow_downloads=downloads)


def test_minilm_comes_from_its_package(tmp_path):
    found = find(MINILM, "sentence_transformer", tmp_path)
    assert (found.available, found.source) == (True, "package")
    assert found.path
    assert (Path(found.path) / "model.safetensors").is_file()


def test_a_folder_goes_before_the_package(tmp_path):
    folder = place(tmp_path / "all-MiniLM-L6-v2", "config.json", "model.safetensors")
    found = find(MINILM, "sentence_transformer", tmp_path)
    assert (found.source, found.path) == ("folder", str(folder))


def test_an_absolute_path_is_taken_as_it_is(tmp_path):
    folder = place(tmp_path / "mine", "config.json", "vocab.txt", "model.safetensors")
    assert find(str(folder), "cross_encoder", tmp_path).available
    absent = find(str(tmp_path / "gone"), "cross_encoder", tmp_path)
    assert not absent.available
    assert absent.advice == f"Nothing is at {tmp_path / 'gone'}."


@pytest.mark.parametrize("name", ["ViT-B-32/laion2b_s34b_b79k", "CLIP-ViT-B-32-laion2B-s34B-b79K"])
def test_clip_folder_in_the_models_folder(tmp_path, name):
    folder = place(tmp_path / name, "open_clip_config.json", "open_clip_model.safetensors")
    assert find(CLIP, "open_clip", tmp_path).path == str(folder)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_clip_as_one_file(tmp_path, suffix):
    file = place(tmp_path / "ViT-B-32", f"laion2b_s34b_b79k{suffix}")
    assert find(CLIP, "open_clip", tmp_path).path == str(file / f"laion2b_s34b_b79k{suffix}")


def test_a_folder_without_weights_is_named_in_the_advice(tmp_path):
    place(tmp_path / "cross-encoder" / "ms-marco-MiniLM-L-6-v2", "config.json", "tokenizer.json")
    found = find(RERANKER, "cross_encoder", tmp_path)
    assert not found.available
    assert "lacks the weights (model.safetensors)" in found.advice
    assert "Downloads are switched off." in found.advice


def test_a_model_without_a_scoring_head_is_no_cross_encoder(tmp_path):
    folder = place(tmp_path / "bert", "tokenizer.json", "model.safetensors")
    (folder / "config.json").write_text('{"architectures": ["BertModel"]}')
    found = find(str(folder), "cross_encoder", tmp_path)
    assert found.advice == f"{folder} lacks a scoring head (its architecture is BertModel)."


def test_the_cache_is_used_without_asking_the_hub(tmp_path, cache):
    storage = cache / "models--cross-encoder--ms-marco-MiniLM-L-6-v2"
    place(storage / "snapshots" / "abc", "config.json", "tokenizer.json", "model.safetensors")
    (place(storage / "refs") / "main").write_text("abc")
    found = find(RERANKER, "cross_encoder", tmp_path)
    assert (found.source, found.path) == ("cache", str(storage / "snapshots" / "abc"))


def test_an_unreachable_hub_is_remembered_and_then_tried_again(tmp_path, cache, monkeypatch):
    asked: list[str] = []

    def silent(endpoint: str) -> bool:
        asked.append(endpoint)
        return False

    monkeypatch.setattr(hub, "_answers", silent)
    for _ in range(3):
        found = find(RERANKER, "cross_encoder", tmp_path, downloads=True)
        assert not found.available
        assert "cannot be reached" in found.advice
        assert found.may_pass
    assert len(asked) == 1
    monkeypatch.setattr(hub, "RETRY_SECONDS", 0)
    find(RERANKER, "cross_encoder", tmp_path, downloads=True)
    assert len(asked) == 2


def wait_and_fail(release: threading.Event):
    release.wait(5)
    raise OSError("no such host")


def test_a_name_server_that_stays_silent_does_not_hang(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(hub, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **kw: wait_and_fail(release))
    try:
        assert not hub._answers("http://hub.invalid")
    finally:
        release.set()


def test_an_address_that_is_none_does_not_answer():
    assert not hub._answers("hub.invalid")


class FakeHub(http.server.BaseHTTPRequestHandler):
    """One repository, tiny/encoder, in the hub's own protocol."""

    files = {
        "config.json": CONFIG.encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": b"weights",
    }

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1].split("?")[0]
        if self.path.startswith("/api/models/tiny/encoder"):
            siblings = [{"rfilename": name} for name in self.files]
            tree = [
                {"type": "file", "path": n, "oid": n, "size": len(b)} for n, b in self.files.items()
            ]
            listing = {"id": "tiny/encoder", "sha": "c" * 40, "siblings": siblings}
            body = json.dumps(tree if "/tree/" in self.path else listing).encode()
        elif self.path.startswith("/tiny/encoder/resolve/") and name in self.files:
            body = self.files[name]
        else:
            body = None
        self.send_response(200 if body is not None or self.path == "/" else 404)
        if "unknown" in self.path:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("ETag", f'"{name or "front"}"')
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    def log_message(self, *args):
        pass


@pytest.fixture
def fake_hub(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    yield server
    server.shutdown()


def test_the_hub_gives_configuration_at_once_and_weights_when_fetched(tmp_path, fake_hub):
    found = find("tiny/encoder", "cross_encoder", tmp_path, downloads=True)
    assert (found.available, found.source, found.path) == (True, "hub", "tiny/encoder")
    assert found.config
    assert not (Path(found.config) / "model.safetensors").exists()

    fetched = fetch(found)
    assert fetched.source == "cache"
    assert fetched.path
    assert (Path(fetched.path) / "model.safetensors").read_bytes() == b"weights"
    assert find("tiny/encoder", "cross_encoder", tmp_path).source == "cache"


def test_a_model_that_the_hub_does_not_have(tmp_path, fake_hub):
    found = find("tiny/unknown", "cross_encoder", tmp_path, downloads=True)
    assert not found.available
    assert "does not hand out a model named tiny/unknown" in found.advice
    assert not found.may_pass


def test_a_name_that_no_model_can_have_is_told_at_once(tmp_path, fake_hub):
    found = find("tiny//encoder", "cross_encoder", tmp_path, downloads=True)
    assert (found.available, found.may_pass) == (False, False)
    assert "tiny//encoder cannot be the name of a model" in found.advice
    assert not hub.is_away()


def test_what_nobody_foresaw_comes_through():
    def stumble():
        raise KeyError("siblings")

    with pytest.raises(KeyError, match="siblings"):
        hub._within(5, stumble)


def test_a_broken_download_counts_as_unreachable(tmp_path, fake_hub):
    found = find("tiny/encoder", "cross_encoder", tmp_path, downloads=True)
    fake_hub.shutdown()
    fake_hub.server_close()
    with pytest.raises(TransientError):
        fetch(found)
    assert not find("tiny/encoder", "cross_encoder", tmp_path, downloads=True).available
