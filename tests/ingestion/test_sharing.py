"""People and groups: who may read, who may change, and who may say so."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from ingestion import sharing
from ingestion.models import Collection
from ingestion.sharing import Kind, Member, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return {name: get_user_model().objects.create_user(name) for name in ("ann", "ben", "eve")}


@pytest.fixture
def collection(people) -> Collection:
    return Collection.objects.create(name="Reports", owner=people["ann"])


def rights(user, collection) -> tuple[bool, bool]:
    mine = Collection.objects.filter(pk=collection.pk)
    return (
        Collection.objects.visible_to(user).filter(pk__in=mine).count() == 1,
        Collection.objects.editable_by(user).filter(pk__in=mine).count() == 1,
    )


def test_roles_of_people_and_groups(people, collection) -> None:
    group = Group.objects.create(name="finance")
    people["eve"].groups.add(group)
    assert rights(people["ben"], collection) == rights(people["eve"], collection) == (False, False)
    sharing.share(collection, kind="person", name="ben", role="viewer")
    sharing.share(collection, kind="group", name="finance", role="editor")
    assert rights(people["ben"], collection) == (True, False)
    assert rights(people["eve"], collection) == (True, True)
    assert sharing.members(collection) == [
        Member(Kind.PERSON, "ben", Role.VIEWER),
        Member(Kind.GROUP, "finance", Role.EDITOR),
    ]
    people["eve"].groups.clear()
    assert rights(people["eve"], collection) == (False, False)


def test_a_role_takes_the_place_of_the_other(people, collection) -> None:
    sharing.share(collection, kind="person", name="ben", role="editor")
    sharing.share(collection, kind="person", name="ben", role="viewer")
    assert rights(people["ben"], collection) == (True, False)
    sharing.unshare(collection, kind="person", name="ben")
    assert rights(people["ben"], collection) == (False, False)


def test_who_is_reached_in_two_ways_sees_it_once(people, collection) -> None:
    for name in ("one", "two"):
        people["ben"].groups.add(Group.objects.create(name=name))
        sharing.share(collection, kind="group", name=name, role="viewer")
    sharing.share(collection, kind="person", name="ben", role="editor")
    sharing.set_public(collection, public=True)
    assert Collection.objects.visible_to(people["ben"]).count() == 1
    assert Collection.objects.editable_by(people["ben"]).count() == 1


@pytest.mark.parametrize(
    ("kind", "name"), [("person", "nobody"), ("group", "ben"), ("person", "ann")]
)
def test_who_is_not_there_is_said(people, collection, kind, name) -> None:
    with pytest.raises(sharing.NobodyThere, match=name):
        sharing.share(collection, kind=kind, name=name, role="viewer")


def test_a_closed_account_is_given_nothing_and_can_be_taken_out(people, collection) -> None:
    sharing.share(collection, kind="person", name="ben", role="viewer")
    get_user_model().objects.filter(username="ben").update(is_active=False)
    with pytest.raises(sharing.NobodyThere, match="ben"):
        sharing.share(collection, kind="person", name="ben", role="editor")
    sharing.unshare(collection, kind="person", name="ben")
    assert sharing.members(collection) == []


def test_the_page_shares_opens_and_takes_back(client, people, collection) -> None:
    client.force_login(people["ann"])
    page = f"/documents/collections/{collection.pk}/sharing/"
    client.post(page, {"do": "share", "kind": "person", "name": "ben", "role": "viewer"})
    assert "ben" in client.get(page).content.decode()
    client.post(page, {"do": "open"})
    assert rights(people["eve"], collection) == (True, False)
    client.post(page, {"do": "close"})
    client.post(page, {"do": "unshare", "kind": "person", "name": "ben"})
    assert rights(people["ben"], collection) == rights(people["eve"], collection) == (False, False)
    told = client.post(page, {"do": "share", "kind": "person", "name": "nobody"}, follow=True)
    assert "There is no person named" in told.content.decode()


def test_only_the_owner_shares(client, people, collection) -> None:
    sharing.share(collection, kind="person", name="ben", role="editor")
    client.force_login(people["ben"])
    page = f"/documents/collections/{collection.pk}/sharing/"
    assert client.get(page).status_code == 404
    api = f"/api/v1/collections/{collection.pk}"
    assert client.get(f"{api}/members/").status_code == 403
    body = {"name": "eve", "role": "viewer"}
    for address in (f"{api}/members/", f"{api}/unshare/"):
        assert client.post(address, body, "application/json").status_code == 403
    assert rights(people["eve"], collection) == (False, False)


def test_the_api_shares(client, people, collection) -> None:
    client.force_login(people["ann"])
    api = f"/api/v1/collections/{collection.pk}"
    body = {"name": "ben", "role": "editor"}
    shared = client.post(f"{api}/members/", body, "application/json")
    assert shared.json() == [{"kind": "person", "name": "ben", "role": "editor"}]
    unknown = client.post(f"{api}/members/", {"name": "nobody"}, "application/json")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_member")
    client.post(f"{api}/unshare/", {"name": "ben"}, "application/json")
    assert client.get(f"{api}/members/").json() == []
