"""API tokens as JSON."""

from __future__ import annotations

from rest_framework import serializers

from ingestion import json_types
from rag_site.accounts.models import ApiToken, Scope
from rag_site.accounts.tokens import MAX_DAYS


class ApiTokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = serializers.UUIDField(source="uuid")
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry", allow_null=True)

    class Meta:
        model = ApiToken
        fields = ["id", "name", "scope", "created_at", "expires_at", "last_used_at"]


class NewTokenSerializer(ApiTokenSerializer):
    """A token that was just made, with its secret: the only time that it is shown."""

    token = serializers.CharField()

    class Meta(ApiTokenSerializer.Meta):
        fields = [*ApiTokenSerializer.Meta.fields, "token"]


class TokenRequestSerializer(json_types.StrictSerializer):
    name = json_types.StringField(max_length=100)
    scope = serializers.ChoiceField(Scope.choices, default=Scope.READ)
    days = json_types.WholeField(min_value=1, max_value=MAX_DAYS, allow_null=True, default=None)


class SignInSerializer(TokenRequestSerializer):
    """A token for a user name and a password."""

    username = json_types.StringField(max_length=150)
    password = json_types.StringField(max_length=4096, trim_whitespace=False)
    name = json_types.StringField(max_length=100, default="Made with a password")
    scope = serializers.ChoiceField(Scope.choices, default=Scope.WRITE)
    days = json_types.WholeField(min_value=1, max_value=MAX_DAYS, default=30)
