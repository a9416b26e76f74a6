"""Finding words in any script whether they are written in capitals or not, on every database.

SQLite's own LIKE and LOWER know the capitals of English only.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import CharField, Q, TextField, Transform, Value
from django.db.models.sql.compiler import SQLCompiler
from django.dispatch import receiver

SQLITE_NAME = "LOWER_IN_ANY_SCRIPT"


@CharField.register_lookup
@TextField.register_lookup
class Folded(Transform):
    """A text in small letters: `title__folded__contains`."""

    lookup_name = "folded"
    function = "LOWER"

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> Any:
        return self.as_sql(compiler, connection, function=SQLITE_NAME, **context)


def holds(words: str, *fields: str) -> Q:
    """Keep the rows that hold the words, as typed but for capitals, in one of these fields."""
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__folded__contains": Folded(Value(words))})
    return found


@receiver(connection_created)
def _teach(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function(SQLITE_NAME, 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return text if text is None else text.lower()
