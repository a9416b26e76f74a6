"""What the OpenAI-compatible endpoints accept: they agree on the messages, and on little else.

A profile only saves a refused request: whatever an endpoint turns down is adapted to anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Profile:
    """How to ask one kind of endpoint.

    `limit` is its name for the longest answer. `most_images` is what it takes in one request,
    None where only the model's context limits it.
    """

    name: str
    limit: str = "max_tokens"
    temperature: bool = True
    usage: bool = True
    most_images: int | None = None

    def parameters(self, *, max_output_tokens: int, temperature: float) -> dict[str, Any]:
        """The parameters of a streamed request beside its model and messages."""
        parameters: dict[str, Any] = {"stream": True, self.limit: max_output_tokens}
        if self.temperature:
            parameters["temperature"] = temperature
        if self.usage:
            parameters["stream_options"] = {"include_usage": True}
        return parameters


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("generic"),
        # vLLM's server takes both names of the limit. How many images is set when it starts
        # (--limit-mm-per-prompt), in older releases to 1; it refuses more with "At most 1
        # image(s) may be provided". Source: vllm-project/vllm issues 13513 and 9739.
        Profile("vllm"),
        # llama-server refuses images where no --mmproj is loaded, and long prompts with the type
        # exceed_context_size_error. Source: tools/server/README.md of ggml-org/llama.cpp.
        Profile("llama_cpp"),
        # Lists max_tokens and stream_options.include_usage, images as base64. The context
        # (4,096 tokens where nothing is set) cannot be chosen by this API, and longer prompts
        # are cut without a word. Source: docs.ollama.com/api/openai-compatibility and
        # docs.ollama.com/faq.
        Profile("ollama"),
        # Takes max_tokens; what becomes of a long prompt is chosen in its window. A model
        # without eyes answers "Model does not support images".
        # Source: lmstudio.ai/docs/developer/openai-compat, lmstudio-bug-tracker issue 362.
        Profile("lm_studio"),
        # max_tokens is deprecated, and refused by reasoning models, which also insist on their
        # own temperature. Up to 500 images. Source: platform.openai.com/docs/api-reference/chat
        # and platform.openai.com/docs/guides/images-vision.
        Profile("openai", limit="max_completion_tokens", most_images=500),
        # Source: ai.google.dev/gemini-api/docs/openai; images by .../docs/image-understanding.
        Profile("gemini", most_images=3600),
        # Takes both names of the limit, a temperature of at most 1, ignores what it does not
        # know, and joins system messages at the beginning. 100 images a request.
        # Source: docs.anthropic.com/en/api/openai-sdk and .../build-with-claude/vision.
        Profile("anthropic", most_images=100),
        # This site's own process: see answers.readers.local_server.
        Profile("local"),
    )
}
_HOSTS = {
    "api.openai.com": "openai",
    "generativelanguage.googleapis.com": "gemini",
    "api.anthropic.com": "anthropic",
    "ollama.com": "ollama",
}
# Where each one listens unless told otherwise.
_PORTS = {11434: "ollama", 1234: "lm_studio", 8080: "llama_cpp", 8000: "vllm"}
_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")


def profile_of(base_url: str, model: str, name: str = "") -> Profile:
    """Return the profile of this name or, without one, what the address tells."""
    parts = urlsplit(base_url)
    name = name or _HOSTS.get(parts.hostname or "") or _PORTS.get(parts.port or 0, "generic")
    profile = PROFILES[name]
    if name == "openai" and model.startswith(_REASONING_MODELS):
        return replace(profile, temperature=False)
    return profile
