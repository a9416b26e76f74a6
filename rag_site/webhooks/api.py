"""REST doorways: your webhooks and their deliveries."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import json_types
from rag_site.webhooks import deliveries, hooks, sending
from rag_site.webhooks.models import Delivery, Webhook

EVENTS = [event.value for event in hooks.EVENTS]


class WebhookSerializer(json_types.StrictSerializer, serializers.ModelSerializer[Webhook]):
    serializer_field_mapping = json_types.OF_MODELS

    id = serializers.UUIDField(source="uuid", read_only=True)
    events = serializers.ListField(
        child=serializers.ChoiceField(EVENTS), min_length=1, max_length=len(EVENTS)
    )

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "is_active", "created_at"]
        read_only_fields = ["created_at"]

    def validate_url(self, url: str) -> str:
        try:
            hooks.check_url(url)
        except sending.AddressRefused as exc:
            raise json_types.Refused(str(exc)) from exc
        return url


class NewWebhookSerializer(WebhookSerializer):
    """A webhook that was just made, with its secret: the only time that it is shown."""

    secret = serializers.CharField()

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    id = serializers.UUIDField(source="uuid", read_only=True)

    class Meta:
        model = Delivery
        fields = [
            *("id", "event", "state", "attempts", "status_code", "note", "body"),
            *("created_at", "next_at"),
        ]
        read_only_fields = fields


class WebhookViewSet(viewsets.ModelViewSet[Webhook]):
    """Your webhooks: addresses that are told when documents and indexes change."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()
    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Webhook]:
        user: Any = self.request.user
        return Webhook.objects.filter(owner=user)

    @extend_schema(responses={201: NewWebhookSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add an address. The answer is the only place where its secret is shown."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = hooks.add(request.user, **form.validated_data)
        headers = {"Cache-Control": "no-store"}
        return Response(NewWebhookSerializer(made).data, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(responses=DeliverySerializer(many=True))
    @action(detail=True, pagination_class=None)
    def deliveries(self, request: Request, id: Any = None) -> Response:
        """List what was sent last, and how it went."""
        found = self.get_object().deliveries.all()[: hooks.DELIVERIES_SHOWN]
        return Response(DeliverySerializer(found, many=True).data)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def ping(self, request: Request, id: Any = None) -> Response:
        """Send it an event of no meaning."""
        return Response(DeliverySerializer(deliveries.ping(self.get_object())).data, 202)
