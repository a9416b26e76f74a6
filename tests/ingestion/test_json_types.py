from __future__ import annotations

from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from ingestion import json_types


class Place(json_types.StrictSerializer):
    page = json_types.WholeField()


class Form(json_types.StrictSerializer):
    title = json_types.StringField(required=False)
    made = serializers.CharField(read_only=True)
    places = Place(many=True, required=False)


def errors(data: Any) -> Any:
    form = Form(data=data)
    form.is_valid()
    return form.errors


def test_a_misspelt_field_is_named_with_those_that_there_are():
    assert errors({"titel": "a"}) == {"titel": "Unknown; there is title, places."}
    assert errors({"places": [{"page": 1, "bx": 2}]})["places"][0]["bx"]


def test_what_was_fetched_can_be_sent_back():
    assert errors({"title": "a", "made": "today"}) == {}


def test_forms_nest_by_their_names_and_carry_their_token():
    said = QueryDict("title=a&places[0]page=1&csrfmiddlewaretoken=x")
    assert errors(said) == {}
    assert list(errors(QueryDict("titel=a"))) == ["titel"]
