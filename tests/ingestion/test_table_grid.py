"""Tables are laid out with their spans."""

from __future__ import annotations

from ingestion.table_grid import GridCell, grid


def cell(row: int, column: int, text: str, down: int = 1, across: int = 1) -> dict:
    return {"row": row, "column": column, "text": text, "row_span": down, "column_span": across}


def test_leaves_out_what_a_span_covers_and_fills_in_what_is_missing() -> None:
    table = {
        "rows": 3,
        "columns": 3,
        "header_rows": 2,
        "cells": [
            cell(0, 0, "Year", down=2),
            cell(0, 1, "Revenue", across=2),
            cell(1, 1, "Europe"),
            cell(1, 2, "Asia"),
            cell(2, 0, "2023"),
            cell(2, 2, "7"),
        ],
    }
    laid_out = grid(table)
    assert laid_out.header == (
        (GridCell("Year", 2, 1), GridCell("Revenue", 1, 2)),
        (GridCell("Europe", 1, 1), GridCell("Asia", 1, 1)),
    )
    assert laid_out.body == ((GridCell("2023", 1, 1), GridCell("", 1, 1), GridCell("7", 1, 1)),)


def test_a_table_may_have_no_header() -> None:
    laid_out = grid({"rows": 1, "columns": 1, "header_rows": 0, "cells": [cell(0, 0, "x")]})
    assert laid_out.header == ()
    assert laid_out.body == ((GridCell("x", 1, 1),),)
