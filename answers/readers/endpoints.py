"""The endpoints that are set up: VLM_* names one, READERS any number beside it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served, and how much it takes; the settings' documentation has the rest.

    `profile` is a name in answers.readers.profiles, or empty: told by the address.
    """

    base_url: str
    model: str
    api_key: str = ""
    profile: str = ""
    timeout_seconds: int = 120
    max_images: int = 4
    image_pixels: int = 1024
    context_tokens: int = 8192
    max_output_tokens: int = 1024
    name: str = ""

    def setting(self, field: str) -> str:
        """What a person changes to change a field: a variable, or a key of READERS."""
        if not self.name:
            return f"VLM_{field.upper()}"
        return f"“{field}” of “{self.name}” in READERS"


def default() -> Endpoint:
    """The endpoint of the VLM_* settings."""
    return Endpoint(
        base_url=settings.VLM_BASE_URL,
        model=settings.VLM_MODEL,
        api_key=settings.VLM_API_KEY,
        profile=settings.VLM_PROFILE,
        timeout_seconds=settings.VLM_TIMEOUT_SECONDS,
        max_images=settings.VLM_MAX_IMAGES,
        image_pixels=settings.VLM_IMAGE_PIXELS,
        context_tokens=settings.VLM_CONTEXT_TOKENS,
        max_output_tokens=settings.VLM_MAX_OUTPUT_TOKENS,
    )


def named(name: str) -> Endpoint:
    """An endpoint of settings.ENDPOINTS."""
    return Endpoint(name=name, **settings.ENDPOINTS[name])
