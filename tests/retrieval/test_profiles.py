import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from retrieval import profiles, requests
from retrieval.models import SearchProfile
from retrieval.search import search
from tests.retrieval.conftest import only
from tests.retrieval.test_api import SEARCH, api, owner  # noqa: F401

WORDS = {"sources": [{"space": "keywords", "limit": 5}], "final": None, "top_k": 3}


def test_without_a_live_profile_searches_run_as_the_settings_say(db):
    assert profiles.standard() == requests.of_settings()


def test_the_live_profile_is_what_searches_run(library):
    document = library.document("apple", "pear")
    words = SearchProfile.objects.create(name="words", request=WORDS)
    profiles.make_live(words)
    assert search("apple", where=only(document)).index_versions.keys() == {"keywords"}
    other = SearchProfile.objects.create(name="other")
    profiles.make_live(other)
    assert "text" in search("apple", where=only(document)).index_versions
    assert SearchProfile.objects.get(is_live=True) == other
    profiles.make_live(None)
    assert not SearchProfile.objects.filter(is_live=True).exists()


def test_a_live_profile_whose_space_is_gone_is_left_aside_and_logged(db, caplog):
    SearchProfile.objects.create(name="x", is_live=True, request={"sources": [{"space": "s"}]})
    assert profiles.standard() == requests.of_settings()
    assert "no space 's'" in caplog.text


def test_a_request_that_makes_no_sense_is_not_made_live(db):
    profile = SearchProfile.objects.create(name="x", request={"sources": [{"spce": "text"}]})
    with pytest.raises(ValidationError, match=r"sources\.0\.spce: Unknown"):
        profiles.make_live(profile)


def test_a_search_may_name_a_profile(api, library):  # noqa: F811
    library.document("apple")
    SearchProfile.objects.create(name="words", request=WORDS)
    answer = api.post(SEARCH, {"query": "apple", "profile": "words"}, format="json").json()
    assert answer["index_versions"].keys() == {"keywords"}
    refused = api.post(SEARCH, {"query": "apple", "profile": "none"}, format="json")
    assert "no search profile 'none'" in refused.json()["errors"][0]["message"]


def test_profiles_over_the_api(api, library, django_user_model):  # noqa: F811
    assert api.get("/api/v1/search-profiles/").status_code == 200
    assert api.post("/api/v1/search-profiles/", {"name": "w"}, format="json").status_code == 403
    api.force_authenticate(django_user_model.objects.create_user("staff", is_staff=True))
    made = api.post("/api/v1/search-profiles/", {"name": "w", "request": WORDS}, format="json")
    assert (made.status_code, made.json()["is_live"]) == (201, False)
    path = f"/api/v1/search-profiles/{made.json()['id']}/"
    refused = api.patch(path, {"request": {"fusion": {"method": "x"}}}, format="json")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"].startswith("request")
    assert api.post(f"{path}make-live/").json()["is_live"] is True
    assert profiles.standard().top_k == 3
    assert api.delete(path).status_code == 204
    assert profiles.standard() == requests.of_settings()


def test_the_admin_validates_and_makes_live(admin_client, library):
    add = reverse("admin:retrieval_searchprofile_add")
    page = admin_client.post(add, {"name": "a", "description": "", "request": '{"top_k": 0}'})
    assert "top_k" in page.content.decode()
    admin_client.post(add, {"name": "a", "description": "", "request": '{"top_k": 4}'})
    profile = SearchProfile.objects.get(name="a")
    changelist = reverse("admin:retrieval_searchprofile_changelist")
    admin_client.post(changelist, {"action": "make_live", "_selected_action": [profile.pk]})
    assert profiles.standard().top_k == 4
