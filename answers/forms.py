"""What people send in the chat: a question with its scope, and a title."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractUser

from ingestion.models import Collection, Document

QUESTION_LENGTH = 8000


class ScopeForm(forms.Form):
    """The collections and documents to ask, of those the user may read; none means all."""

    collections = forms.ModelMultipleChoiceField(Collection.objects.none(), required=False)
    documents = forms.ModelMultipleChoiceField(
        Document.objects.none(), required=False, to_field_name="uuid"
    )

    def __init__(self, *args: Any, user: AbstractUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["collections"].queryset = Collection.objects.visible_to(user)
        fields["documents"].queryset = Document.objects.visible_to(user)


class QuestionForm(ScopeForm):
    """A question, what to ask, and which reader."""

    everything = forms.BooleanField(required=False)
    reader = forms.CharField(required=False, max_length=40)

    question = forms.CharField(
        max_length=QUESTION_LENGTH, error_messages={"required": "Write a question first."}
    )

    @property
    def first_error(self) -> str:
        """One sentence for a person, who sees one form with one visible field."""
        if "question" in self.errors:
            return str(self.errors["question"][0])
        return "A chosen collection or document is no longer there. Choose again."


class TitleForm(forms.Form):
    title = forms.CharField(
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
        error_messages={"required": "Give it a title."},
    )
