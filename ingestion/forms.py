"""What people send from the document pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile

from ingestion import labels, sharing
from ingestion.bulk import Verb
from ingestion.errors import PermanentError
from ingestion.listing import Filters, Order, StateGroup
from ingestion.models import Collection, Document


class FilterForm(forms.Form):
    """Which documents to list; what makes no sense is left out, not refused."""

    collection = forms.ModelChoiceField(Collection.objects.none(), required=False)
    state = forms.ChoiceField(choices=StateGroup.choices, required=False)
    name = forms.CharField(max_length=200, required=False)
    tag = forms.CharField(max_length=100, required=False)
    order = forms.ChoiceField(choices=Order.choices, required=False)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        field: Any = self.fields["collection"]
        field.queryset = Collection.objects.visible_to(user)

    def filters(self) -> Filters:
        self.is_valid()
        chosen = self.cleaned_data
        return Filters(
            collection=chosen.get("collection"),
            state=StateGroup(chosen.get("state") or StateGroup.ALL),
            name=chosen.get("name", ""),
            tag=chosen.get("tag", "").lower(),
            order=Order(chosen.get("order") or Order.NEWEST),
        )


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or more uploaded files; each is checked later, so that one does not stop the rest."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = [file for file in data or [] if file]
        if not files:
            raise forms.ValidationError("Choose at least one file.", code="required")
        return files


class UploadForm(forms.Form):
    file = FilesField()
    password = forms.CharField(required=False, strip=False, max_length=500)
    collection = forms.ModelChoiceField(
        Collection.objects.none(),
        error_messages={
            "required": "Choose a collection for the files.",
            "invalid_choice": "You may not add documents to this collection.",
        },
    )

    def __init__(self, data: Any, files: Any, *, user: Any) -> None:
        super().__init__(data, files)
        field: Any = self.fields["collection"]
        field.queryset = Collection.objects.editable_by(user)


class ReadField(forms.CharField):
    """A text that is read as something else; what cannot be raises labels.Invalid."""

    def __init__(self, read: Callable[[str], Any], **options: Any) -> None:
        super().__init__(required=False, **options)
        self.read = read

    def clean(self, value: Any) -> Any:
        try:
            return self.read(super().clean(value))
        except labels.Invalid as exc:
            raise forms.ValidationError(str(exc)) from exc


class LabelForm(forms.Form):
    """A document's title, tags and metadata, as they are typed."""

    title = ReadField(labels.checked_title)
    tags = ReadField(labels.parsed_tags)
    metadata = ReadField(labels.parsed_metadata)

    @classmethod
    def of(cls, document: Document) -> LabelForm:
        """Return the form with what the document has."""
        typed = {"tags": ", ".join(document.tags), "metadata": labels.as_lines(document.metadata)}
        return cls(initial={"title": document.title, **typed})


class BulkForm(forms.Form):
    """One thing to do to the documents that were picked."""

    do = forms.ChoiceField(
        choices=Verb, error_messages={"required": "Choose what to do with the documents."}
    )
    document = forms.TypedMultipleChoiceField(
        coerce=UUID, error_messages={"required": "Pick at least one document."}
    )
    tags = ReadField(labels.parsed_tags, max_length=1000)
    target = forms.ModelChoiceField(
        Collection.objects.none(),
        required=False,
        error_messages={"invalid_choice": "You may not add documents to this collection."},
    )
    is_confirmed = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        fields: Any = self.fields
        fields["target"].queryset = Collection.objects.editable_by(user)
        # Whoever may not change one of them is told after the others are done.
        fields["document"].choices = [
            (each, each) for each in data.getlist("document") if _is_uuid(each)
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("do") in (Verb.TAG, Verb.UNTAG) and not given.get("tags", True):
            self.add_error("tags", "Write at least one tag.")
        if given.get("do") == Verb.MOVE and not given.get("target", True):
            self.add_error("target", "Choose a collection to move the documents to.")
        return given


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


class CollectionForm(forms.ModelForm):
    class Meta:
        model = Collection
        fields = ["name"]

    def __init__(self, data: Any, *, owner: User, collection: Collection | None = None) -> None:
        super().__init__(data, instance=collection or Collection(owner=owner))

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        own = Collection.objects.filter(owner=self.instance.owner, name__iexact=name)
        if own.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("You have a collection of this name already.")
        return name


class SharingForm(forms.Form):
    """One change of who may read a collection."""

    do = forms.ChoiceField(
        choices=[(word, word) for word in ("share", "unshare", "open", "close")],
        error_messages={"required": "Choose what to change."},
    )
    kind = forms.ChoiceField(choices=sharing.Kind.choices, required=False)
    name = forms.CharField(max_length=150, required=False)
    role = forms.ChoiceField(choices=sharing.Role.choices, required=False)

    def apply(self, collection: Collection) -> None:
        """Make the change. Raises PermanentError with a sentence."""
        if not self.is_valid():
            raise PermanentError("This change makes no sense: reload the page, and try again.")
        chosen = self.cleaned_data
        kind, name = chosen["kind"] or sharing.Kind.PERSON, chosen["name"]
        match chosen["do"]:
            case "share":
                role = chosen["role"] or sharing.Role.VIEWER
                sharing.share(collection, kind=kind, name=name, role=role)
            case "unshare":
                sharing.unshare(collection, kind=kind, name=name)
            case word:
                sharing.set_public(collection, public=word == "open")
