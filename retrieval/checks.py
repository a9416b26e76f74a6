"""What `manage.py check` says about the models."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from retrieval.status import model_states


@register()
def models_can_be_had(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of every model whose weights cannot be had, and say what to do."""
    return [
        Warning(f"The model {state.model} is not there.", hint=state.advice, id="retrieval.W001")
        for state in model_states()
        if not state.available
    ]
