"""Forms of the lab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from ingestion.errors import PermanentError
from retrieval import evaluation, lab, questions
from retrieval.models import EvaluationScope, QuestionSet, SearchProfile

SETTINGS = "Settings"


class ProfileField(forms.ModelChoiceField):
    """A search profile; nothing chosen stands for the settings."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            SearchProfile.objects.all(), required=False, empty_label=SETTINGS, **options
        )
        self.widget.attrs["class"] = "select"

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} (live)" if obj.is_live else str(obj.name)


class LabForm(forms.Form):
    """A query, two profiles, and where alpha stands."""

    q = forms.CharField(
        required=False,
        max_length=4000,
        label="Query",
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    like = forms.IntegerField(required=False, widget=forms.HiddenInput)
    a = ProfileField(label="Left")
    b = ProfileField(label="Right")
    sweep = forms.BooleanField(required=False, label="Sweep alpha on the right")
    alpha = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="Alpha",
        widget=forms.NumberInput(attrs={"type": "range", "step": "0.05", "min": 0, "max": 1}),
    )
    first = forms.ChoiceField(required=False, label="of")
    second = forms.ChoiceField(required=False, label="against")

    def __init__(self, query: Mapping[str, str]) -> None:
        names = lab.labels()
        presets = {"first": names[0], "second": names[-1], "alpha": "0.5"}
        super().__init__({**presets, **query})
        for name in ("first", "second"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(label, label) for label in names]
            field.widget.attrs["class"] = "select"

    @property
    def alpha_or_none(self) -> float | None:
        value = self.cleaned_data.get("alpha") if self.cleaned_data.get("sweep") else None
        return None if value is None else float(value)


class QuestionFileForm(forms.Form):
    """A question set by name, and the file to add to it."""

    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"class": "input"}))
    file = forms.FileField(
        label="JSON lines", widget=forms.FileInput(attrs={"class": "input", "accept": ".jsonl"})
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > questions.MAX_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {questions.MAX_BYTES // 2**20} MB."
            )
        return file

    def lines(self) -> list[str]:
        """Return the file's lines. Raises forms.ValidationError."""
        try:
            return self.cleaned_data["file"].read().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as exc:
            raise forms.ValidationError("The file is not UTF-8 text.") from exc


class QuestionsForm(forms.Form):
    """Which questions to measure by, and where they are asked."""

    question_set = forms.ModelChoiceField(
        QuestionSet.objects.all(),
        empty_label=None,
        widget=forms.Select(attrs={"class": "select"}),
    )
    scope = forms.ChoiceField(
        choices=EvaluationScope.choices,
        initial=EvaluationScope.SET,
        label="Search",
        widget=forms.Select(attrs={"class": "select"}),
    )

    def clean_question_set(self) -> QuestionSet:
        chosen: QuestionSet = self.cleaned_data["question_set"]
        try:
            evaluation.check_questions(chosen)
        except PermanentError as exc:
            raise forms.ValidationError(str(exc)) from exc
        return chosen


class RunForm(QuestionsForm):
    """What to measure."""

    a = ProfileField(label="Profile")
    compare = forms.BooleanField(required=False, label="Compare with")
    b = ProfileField(label="Second profile")
