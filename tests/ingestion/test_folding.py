from __future__ import annotations

import pytest

from ingestion.folding import holds
from ingestion.models import Collection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("words", "is_found"),
    [("über", True), ("ÜBERSICHT", True), ("жизнь", True), ("100%", True), ("uber", False)],
)
def test_capitals_of_any_script_do_not_matter(django_user_model, words, is_found) -> None:
    owner = django_user_model.objects.create_user("ann")
    Collection.objects.create(owner=owner, name="Übersicht Жизнь 100%")
    assert Collection.objects.filter(holds(words, "name")).exists() == is_found
