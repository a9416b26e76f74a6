"""People and groups, as administrators keep them."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from rag_site.accounts import tokens

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_cache")]
URL = "/account/people/"
PASSWORD = "a long enough one"


@pytest.fixture
def boss(client) -> User:
    boss = User.objects.create_superuser("boss")
    client.force_login(boss)
    return boss


def form(**changes: object) -> dict[str, object]:
    return {"email": "", "is_active": "on", **changes}


def set_password(visitor: Client, link: str, password: str = PASSWORD):
    page = visitor.get(urlsplit(link).path, follow=True)
    where = page.redirect_chain[-1][0] if page.redirect_chain else urlsplit(link).path
    return visitor.post(where, {"new_password1": password, "new_password2": password})


def test_a_person_is_added_and_sets_a_password_by_the_link(client, boss) -> None:
    client.post(f"{URL}groups/", {"name": "Readers"})
    group = Group.objects.get()
    made = client.post(URL, {"username": "ann", "email": "a@example.org", "groups": [group.pk]})
    ann = User.objects.get(username="ann")
    assert (ann.email, list(ann.groups.all()), ann.is_superuser) == (
        "a@example.org",
        [group],
        False,
    )
    assert not ann.has_usable_password()
    link = made.context["link"]
    assert link in made.content.decode()
    visitor = Client()
    weak = set_password(visitor, link, "12345678")
    assert "too common" in weak.content.decode()
    assert set_password(visitor, link)["Location"] == "/chat/"
    assert visitor.session["_auth_user_id"] == str(ann.pk)
    # It holds once.
    again = Client().get(urlsplit(link).path, follow=True)
    assert "does not hold any more" in again.content.decode()


def test_a_name_is_taken_once(client, boss) -> None:
    refused = client.post(URL, {"username": "BOSS"})
    assert "already" in refused.context["form"].errors["username"][0]
    assert client.post(URL, {"username": "no spaces"}).context["form"].errors
    assert User.objects.count() == 1


def test_a_closed_account_is_signed_out_everywhere(client, boss) -> None:
    ann = User.objects.create_user("ann", password=PASSWORD)
    visitor = Client()
    visitor.force_login(ann)
    _, secret = tokens.issue(ann, name="script")
    bearer = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/tokens/", headers=bearer).status_code == 200
    client.post(f"{URL}{ann.pk}/", {"email": ""})
    assert visitor.get("/account/").status_code == 302
    assert Client().get("/api/v1/tokens/", headers=bearer).status_code == 401
    client.post(f"{URL}{ann.pk}/", form(is_admin="on"))
    ann.refresh_from_db()
    assert (ann.is_active, ann.is_superuser, ann.is_staff) == (True, True, True)


def test_nobody_locks_themselves_out(client, boss) -> None:
    for body in ({"email": ""}, form(), {"is_admin": "on"}):
        page = client.post(f"{URL}{boss.pk}/", body).content.decode()
        assert "You cannot close your own account" in page
    boss.refresh_from_db()
    assert boss.is_active
    assert boss.is_superuser


def test_a_new_link_ends_a_lock_out(client, boss) -> None:
    ann = User.objects.create_user("ann", password=PASSWORD)
    visitor = Client()
    for _ in range(10):
        visitor.post("/login/", {"username": "ann", "password": "wrong"})
    locked = visitor.post("/login/", {"username": "ann", "password": PASSWORD})
    assert locked.status_code == 429
    assert client.post(f"{URL}{ann.pk}/link/").context["link"]
    right = visitor.post("/login/", {"username": "ann", "password": PASSWORD})
    assert right.status_code == 302


def test_only_administrators_keep_people(client) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    for path in ("", f"{staff.pk}/"):
        assert client.get(URL + path).status_code == 403
    for path in ("", "groups/", f"{staff.pk}/", f"{staff.pk}/link/"):
        assert client.post(URL + path, {"name": "x"}).status_code == 403
    assert (User.objects.count(), Group.objects.count()) == (1, 0)


def test_people_are_found_by_name_or_address_in_any_script(client, boss) -> None:
    for name, email in (("Ünal", "u@example.org"), ("ann", "ANN@elsewhere.example")):
        User.objects.create_user(name, email)
    for wanted, found in (("ünal", ["Ünal"]), ("ELSEWHERE", ["ann"]), ("nobody", [])):
        people = client.get(URL, {"name": wanted}).context["people"]
        assert [person.username for person in people] == found
