"""Whole tables as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from ingestion.page_store import table_as_json
from ingestion.table_markdown import to_markdown
from ingestion.whole_tables import Part, WholeTable


class TablePartSerializer(serializers.Serializer[Any]):
    page = serializers.IntegerField(help_text="Physical page, from 1.")
    box = serializers.SerializerMethodField(help_text="PDF points, origin top left.")
    first_row = serializers.IntegerField(help_text="Of the whole table, from 0.")
    rows = serializers.IntegerField()
    chunks = serializers.ListField(
        child=serializers.IntegerField(), help_text="The passages that hold these rows."
    )
    image_url = serializers.SerializerMethodField(help_text="Its picture; empty if there is none.")

    def get_box(self, part: Part) -> list[float]:
        return part.box.as_list()

    def get_image_url(self, part: Part) -> str:
        if not part.has_image:
            return ""
        place = [self.context["document"].uuid, part.chunks[0]]
        return reverse("chunk-image", args=place, request=self.context["request"])


class TableSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="In reading order, from 1.")
    caption = serializers.CharField()
    heading_path = serializers.ListField(child=serializers.CharField())
    pages = serializers.ListField(child=serializers.IntegerField())
    rows = serializers.IntegerField(source="table.rows")
    columns = serializers.IntegerField(source="table.columns")
    header_rows = serializers.IntegerField(source="table.header_rows")
    parts = TablePartSerializer(many=True, help_text="One for each page that it stands on.")


class TableDetailSerializer(TableSerializer):
    cells = serializers.SerializerMethodField(
        help_text="row, column, text, page and, where known, box, row_span and column_span."
    )
    markdown = serializers.SerializerMethodField()

    def get_cells(self, whole: WholeTable) -> list[dict[str, Any]]:
        cells = table_as_json(whole.table)["cells"]
        return [{**cell, "page": whole.page_of(cell["row"])} for cell in cells]

    def get_markdown(self, whole: WholeTable) -> str:
        return to_markdown(whole.table)
