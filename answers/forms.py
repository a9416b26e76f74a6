"""What people send in the chat: a question with its scope, and a title."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractUser

from answers.answering import QUESTION_LENGTH
from answers.models import Reason, Verdict
from ingestion.errors import PermanentError
from ingestion.models import Collection, Document
from retrieval import pictures


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


class PicturesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class PicturesField(forms.FileField):
    """Any number of pictures; each must be one by what is in it. Cleans to their bytes."""

    widget = PicturesInput

    def clean(self, data: Any, initial: Any = None) -> list[bytes]:
        try:
            return [pictures.checked(upload.read()) for upload in data or [] if upload]
        except PermanentError as exc:
            raise forms.ValidationError(str(exc)) from exc


class QuestionForm(ScopeForm):
    """A question, what to ask, which reader, and what the question carries."""

    everything = forms.BooleanField(required=False)
    reader = forms.CharField(required=False, max_length=40)
    images = PicturesField(required=False)

    question = forms.CharField(
        max_length=QUESTION_LENGTH, error_messages={"required": "Write a question first."}
    )

    @property
    def first_error(self) -> str:
        """One sentence for a person, who sees one form with one visible field."""
        if "question" in self.errors:
            return str(self.errors["question"][0])
        if "images" in self.errors:
            return str(self.errors["images"][0])
        return "A chosen collection or document is no longer there. Choose again."


class EditForm(forms.Form):
    """A question in the place of another one."""

    question = forms.CharField(
        max_length=QUESTION_LENGTH, error_messages={"required": "Write a question first."}
    )


class FeedbackForm(forms.Form):
    """A verdict alone, or (`is_final`) with what the person says about it."""

    verdict = forms.ChoiceField(choices=Verdict.choices)
    reason = forms.ChoiceField(choices=Reason.choices, required=False)
    comment = forms.CharField(max_length=2000, required=False)
    is_final = forms.BooleanField(required=False)


class TitleForm(forms.Form):
    title = forms.CharField(
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
        error_messages={"required": "Give it a title."},
    )
