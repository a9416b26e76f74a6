"""The form that asks for a token."""

from __future__ import annotations

from typing import Any

from django import forms

from rag_site.accounts import tokens
from rag_site.accounts.models import Scope

LASTING = [("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "Until revoked")]


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100)
    scope = forms.ChoiceField()
    days = forms.TypedChoiceField(
        choices=LASTING, coerce=int, empty_value=None, required=False, initial="90"
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = tokens.scopes_for(user)  # type: ignore[attr-defined]
        self.fields["scope"].initial = Scope.READ
