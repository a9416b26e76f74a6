"""Serializers and fields that take what the schema names, in its JSON type, and nothing else.

Django REST framework takes 0 for false and 5 for "5", and leaves out what it does not know,
which hides mistakes of a program until it matters. Forms and query strings, which know only
text, are read as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.http import QueryDict
from rest_framework import fields, serializers

_WHOLE = re.compile(r"-?[0-9]+")
LARGEST = 2**63 - 1
TRUTH = {"true": True, "false": False}
# What a form says beside its fields, where the session is what signs it in.
FORM_TOKEN = "csrfmiddlewaretoken"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt one would be left out in silence.

    What a serializer declares as only read may be sent back with a thing that was fetched.
    """

    # What others read of the same data.
    beside: tuple[str, ...] = ()

    def to_internal_value(self, data: Any) -> Any:
        known = (*self.fields, *self.beside)
        if isinstance(data, Mapping) and (unknown := set(_names(data)) - set(known)):
            writable = [name for name, one in self.fields.items() if not one.read_only]
            sentence = f"Unknown; there is {', '.join((*writable, *self.beside))}."
            names = sorted(name.encode(errors="replace").decode() for name in unknown)
            raise serializers.ValidationError(dict.fromkeys(names, sentence))
        return super().to_internal_value(data)


def _names(data: Mapping[str, Any]) -> Iterable[str]:
    """The names of fields; a form has `regions[0]page` where JSON nests."""
    if not isinstance(data, QueryDict):
        return data
    return (re.split(r"[\[.]", name, maxsplit=1)[0] for name in data if name != FORM_TOKEN)


def _is_text_only(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    """Tell whether the data came as a form or in the address."""
    return isinstance(getattr(field.root, "initial_data", None), QueryDict)


class StringField(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class TruthField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, str) and _is_text_only(self):
            data = TRUTH.get(data.lower())
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class WholeField(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        # What no database keeps is refused here, not there.
        super().__init__(**{"max_value": LARGEST, "min_value": -LARGEST, **options})

    def to_internal_value(self, data: Any) -> int:
        as_text = isinstance(data, str) and _is_text_only(self) and _WHOLE.fullmatch(data)
        if isinstance(data, bool) or not (isinstance(data, int | float) or as_text):
            self.fail("invalid")
        return super().to_internal_value(data)


class NumberField(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        as_text = isinstance(data, str) and _is_text_only(self)
        if isinstance(data, bool) or not (isinstance(data, int | float) or as_text):
            self.fail("invalid")
        return super().to_internal_value(data)


class ChoiceField(serializers.ChoiceField):
    """A choice in an address: an empty one is no choice, and not one that was left out."""

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, fields.empty)


class JsonTextField(serializers.JSONField):
    """JSON, which a form holds as a text; no schema can tell which texts those are."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as exc:
            if _is_text_only(self):
                raise Refused("Value must be valid JSON.") from exc
            raise


class Refused(serializers.ValidationError):
    """Well-formed, but it cannot be done as it is: answered with 422 where 400 says malformed.

    For what no schema can tell: what is not there (any more), and what does not go together.
    """

    default_code = "refused"
    status_code = 422


# For the `serializer_field_mapping` of model serializers.
OF_MODELS: dict[type[models.Field], type[serializers.Field]] = {
    **serializers.ModelSerializer.serializer_field_mapping,
    models.BooleanField: TruthField,
    models.CharField: StringField,
    models.TextField: StringField,
    models.IntegerField: WholeField,
    models.PositiveIntegerField: WholeField,
}
