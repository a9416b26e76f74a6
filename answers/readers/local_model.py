"""A transformers model that reads text and images: the only module that imports transformers'
image-text-to-text classes. It lives in the process of answers.readers.local_server.
"""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Message = Mapping[str, Any]


class TooLong(ValueError):
    """The prompt with its answer does not fit the model's context."""


class BadRequest(ValueError):
    """The messages are not what a chat completion's messages are."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Inputs of the model, on its device, and how many tokens they are."""

    inputs: Any
    tokens: int


@dataclass(slots=True)
class Progress:
    """How far an answer is; setting `stop` ends it at the next token."""

    stop: threading.Event = field(default_factory=threading.Event)
    tokens: int = 0

    def after_token(self, *_: Any, **__: Any) -> bool:
        """Count a token, and tell the model whether to go on."""
        self.tokens += 1
        return self.stop.is_set()


class LocalModel:
    """SmolVLM, Qwen-VL, LLaVA and their like, loaded once from a folder or the hub's cache."""

    def __init__(self, name: str, *, context_tokens: int, local_only: bool) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.context_tokens = context_tokens
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._processor: Any = AutoProcessor.from_pretrained(name, local_files_only=local_only)
        model: Any = AutoModelForImageTextToText.from_pretrained(
            name, dtype="auto", local_files_only=local_only
        )
        self._model = model.to(device).eval()
        # The model works on one prompt at a time: two at once would only both be slower.
        self._busy = threading.Lock()

    def prepare(self, messages: Sequence[Message], *, max_new_tokens: int) -> Prompt:
        """Turn chat messages into inputs. Raises BadRequest, and TooLong."""
        turns, images = _turns(messages)
        text = self._processor.apply_chat_template(turns, add_generation_prompt=True)
        given = {"images": [images]} if images else {}
        inputs = self._processor(text=[text], return_tensors="pt", **given)
        tokens = int(inputs["input_ids"].shape[1])
        if tokens + max_new_tokens > self.context_tokens:
            raise TooLong(
                f"the request exceeds the available context size: {tokens} tokens and "
                f"{max_new_tokens} for the answer, of {self.context_tokens}"
            )
        return Prompt(inputs.to(self._model.device), tokens)

    def answer(
        self, prompt: Prompt, *, max_new_tokens: int, temperature: float, progress: Progress
    ) -> Iterator[str]:
        """Yield the answer as it is written, until it ends or is stopped."""
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        streamer = TextIteratorStreamer(
            self._processor.tokenizer, skip_prompt=True, skip_special_tokens=True
        )
        failures: list[BaseException] = []

        def generate() -> None:
            try:
                self._model.generate(
                    **prompt.inputs,
                    streamer=streamer,
                    max_new_tokens=max_new_tokens,
                    stopping_criteria=StoppingCriteriaList([progress.after_token]),
                    **_sampling(temperature),
                )
            except BaseException as exc:  # noqa: BLE001 - raised again where it is waited for
                failures.append(exc)
                streamer.end()

        with self._busy:
            thread = threading.Thread(target=generate, name="generate", daemon=True)
            thread.start()
            try:
                yield from streamer
            finally:
                progress.stop.set()
                thread.join()
        if failures:
            raise failures[0]


def _sampling(temperature: float) -> dict[str, Any]:
    return {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}


def _turns(messages: Sequence[Message]) -> tuple[list[dict[str, Any]], list[Any]]:
    """The messages in the form that chat templates take, and their images in order."""
    turns, images = [], []
    for message in messages:
        content = message.get("content")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(parts, list) or not isinstance(message.get("role"), str):
            raise BadRequest("a message needs a role and a content")
        turn = []
        for part in parts:
            if part.get("type") == "image_url":
                images.append(_image(str(part["image_url"]["url"])))
                turn.append({"type": "image"})
            else:
                turn.append({"type": "text", "text": str(part.get("text", ""))})
        turns.append({"role": message["role"], "content": turn})
    return turns, images


def _image(url: str) -> Any:
    from PIL import Image

    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise BadRequest("images are taken as base64 data URLs only")
    try:
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    except (OSError, ValueError) as exc:
        raise BadRequest("an image cannot be read") from exc
