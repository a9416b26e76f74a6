"""What people send from the search page."""

from __future__ import annotations

from typing import Any

from django import forms

from ingestion.models import ChunkKind, Collection, Document
from retrieval import finding
from retrieval.finding import Wanted

KIND_LABELS = {ChunkKind.TEXT: "Text", ChunkKind.TABLE: "Tables", ChunkKind.IMAGE: "Figures"}


class DateField(forms.DateField):
    widget = forms.DateInput(
        format="%Y-%m-%d", attrs={"type": "date", "class": "input input-small"}
    )


class SearchForm(forms.Form):
    """A query and its filters; a filter that makes no sense is told, and nothing is searched."""

    q = forms.CharField(required=False, max_length=4000, strip=True)
    like = forms.IntegerField(required=False, min_value=1)
    collection = forms.ModelChoiceField(
        Collection.objects.none(),
        required=False,
        empty_label="All collections",
        error_messages={"invalid_choice": "This collection is not there, or not yours to read."},
        widget=forms.Select(attrs={"class": "select select-small"}),
    )
    document = forms.ModelChoiceField(
        Document.objects.none(),
        required=False,
        to_field_name="uuid",
        error_messages={"invalid_choice": "This document is not there, or not yours to read."},
        widget=forms.HiddenInput,
    )
    kind = forms.MultipleChoiceField(choices=KIND_LABELS, required=False)
    tag = forms.MultipleChoiceField(required=False)
    since = DateField(required=False, label="Added since")
    until = DateField(required=False, label="Added until")
    show = forms.IntegerField(required=False, min_value=1, max_value=finding.MOST)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        self.user = user
        fields: Any = self.fields
        fields["collection"].queryset = Collection.objects.visible_to(user)
        fields["document"].queryset = Document.objects.visible_to(user)
        self.tags = finding.tags_of(user)
        fields["tag"].choices = [(tag, tag) for tag in self.tags]

    def clean_like(self) -> Any:
        pk = self.cleaned_data["like"]
        found = finding.like(self.user, pk) if pk else None
        if pk and found is None:
            raise forms.ValidationError("What you look for more of is not there any more.")
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and since > until:
            self.add_error("until", "The last day is before the first: nothing was added then.")
        return given

    def wanted(self) -> Wanted:
        """What a valid form asks for."""
        given = self.cleaned_data
        return Wanted(
            text=given["q"],
            like=given["like"],
            collection=given["collection"],
            document=given["document"],
            kinds=frozenset(given["kind"]),
            tags=tuple(given["tag"]),
            since=given["since"],
            until=given["until"],
            shown=given["show"] or finding.PER_PAGE,
        )
