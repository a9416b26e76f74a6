import pytest
from django.contrib.auth.models import AnonymousUser

from ingestion.models import Collection, Document
from retrieval.scope import allowed

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna")


@pytest.fixture
def bert(django_user_model):
    return django_user_model.objects.create_user("bert")


def document(collection, name, *, generation=1):
    return Document.objects.create(
        collection=collection, title=name, sha256=name, size_bytes=1, live_generation=generation
    )


@pytest.fixture
def reports(anna):
    return Collection.objects.create(name="Reports", owner=anna)


@pytest.fixture
def letters(anna):
    return Collection.objects.create(name="Letters", owner=anna)


def test_nothing_chosen_is_everything_readable_and_searchable(anna, bert, reports, letters):
    first, second = document(reports, "a"), document(letters, "b")
    document(reports, "still parsing", generation=0)
    document(Collection.objects.create(name="Private", owner=bert), "c")
    assert allowed(anna).document_ids == {first.pk, second.pk}


def test_chosen_collections_and_documents_add_up(anna, reports, letters):
    first, second, _ = document(reports, "a"), document(letters, "b"), document(letters, "c")
    where = allowed(anna, collections=[reports.pk], documents=[second.pk])
    assert where.document_ids == {first.pk, second.pk}


def test_what_one_may_not_read_adds_nothing(anna, bert, reports):
    hidden = document(reports, "a")
    assert allowed(bert, documents=[hidden.pk]).finds_nothing
    assert allowed(bert, collections=[reports.pk]).finds_nothing
    assert allowed(AnonymousUser()).finds_nothing
    reports.viewers.add(bert)
    assert allowed(bert, documents=[hidden.pk]).document_ids == {hidden.pk}


def test_kinds_and_pages_are_carried_along(anna):
    where = allowed(anna, kinds=["table"], pages=(2, 5))
    assert where.kinds == {"table"}
    assert where.pages == (2, 5)
    assert allowed(anna).kinds is None
