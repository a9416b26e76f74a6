"""Pages of a list, by limit and offset; nonsense is refused, not taken for the default."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request


class StrictLimitOffset(LimitOffsetPagination):
    max_limit = 200

    def get_limit(self, request: Request) -> int | None:
        asked = _number(request, "limit", least=1)
        return self.default_limit if asked is None else min(asked, self.max_limit)

    def get_offset(self, request: Request) -> int:
        return _number(request, "offset", least=0) or 0

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            parameter["schema"]["minimum"] = 1 if parameter["name"] == "limit" else 0
        return parameters


def _number(request: Request, name: str, *, least: int) -> int | None:
    values = request.query_params.getlist(name)
    if not values:
        return None
    if len(values) > 1 or not values[0].isdecimal() or int(values[0]) < least:
        raise ValidationError({name: f"Must be one whole number of at least {least}."})
    return int(values[0])
