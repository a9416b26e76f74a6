"""A third space by configuration alone: embedded, searched, fused, listed, rolled back."""

import io

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from retrieval import embedding, spaces, tasks
from retrieval.embedders import embedder_for, plan_for
from retrieval.models import Embedding, SpaceVersion
from retrieval.search import search
from retrieval.space_status import describe
from tests.retrieval.conftest import axis, only
from tests.retrieval.test_remote_embedder import service  # noqa: F401
from tests.retrieval.test_search import said
from tests.retrieval.tiny_models import save_text_encoder


@pytest.fixture
def third(settings, fruit_spaces, service):  # noqa: F811
    config = {
        "embedder": "retrieval.embedders.openai_compatible.OpenAICompatibleEmbedder",
        "model": "fruit-9",
        "metric": "dot",
        "kinds": ["text"],
        "input": "text",
        "batch_size": 2,
        "dimensions": 3,
        "index": {"type": "hnsw", "M": 8, "ef_construction": 40},
        "options": {"base_url": service.url, "retries": 0, "timeout": 5},
    }
    settings.SPACES = {**fruit_spaces, "third": config}
    return service


def test_it_is_embedded_searched_and_fused(third, library):
    document = library.document("apple", "apple apple", {"kind": "table", "text": "plum"})
    version = spaces.live_versions()["third"]
    assert (version.model, version.dimension, version.metric) == ("fruit-9@3", 3, "dot")
    assert Embedding.objects.filter(space_version=version).count() == 2
    result = search("apple", where=only(document))
    assert result.index_versions.keys() == {"text", "image", "third", "keywords"}
    best = next(hit for hit in result.hits if hit.chunk.text == "apple apple")
    # By dot product, not by cosine: twice the fruit is twice the score.
    assert (best.sources["third"].rank, best.sources["third"].score) == (1, 2.0)
    assert {"text", "keywords"} <= best.sources.keys()


def test_it_is_listed_with_all_that_matters(third, library):
    library.document("apple")
    spaces.rebuild_index(spaces.live_versions()["third"])
    listed = {space.name: space for space in describe()}["third"]
    assert (listed.state, listed.version, listed.vectors, listed.fresh) == ("live", 1, 1, 0)
    assert (listed.dimension, listed.metric) == (3, "dot")
    assert listed.index == {
        "type": "hnsw",
        "m": 8,
        "ef_construction": 40,
        "ef_search": 512,
    }
    assert listed.last_built_at is not None


def test_a_service_that_is_away_holds_nothing_up(third, library, asked):
    third.failures = [500]
    document = library.document("apple")
    third.failures = [500]
    result = search("apple", where=only(document))
    assert said(result) == ["apple"]
    assert any("third index was not searched" in n and "broken" in n for n in result.notes)
    version = spaces.live_versions()["third"]
    assert Embedding.objects.filter(space_version=version).count() == 0
    spaces.build_version(version)
    assert Embedding.objects.filter(space_version=version).count() == 1


def test_its_next_version_is_filled_beside_it_and_rolled_back(third, library, settings):
    document = library.document("apple")
    settings.SPACES["third"]["dimensions"] = 2
    spaces.sync()
    building = SpaceVersion.objects.get(space="third", state="building")
    assert building.model == "fruit-9@2"
    assert search("apple", where=only(document)).index_versions["third"] == 1
    assert spaces.build_version(building)
    assert search("apple", where=only(document)).index_versions["third"] == 2
    spaces.roll_back("third")
    result = search("apple", where=only(document))
    assert (result.index_versions["third"], said(result)) == (1, ["apple"])


def test_the_metric_follows_the_model(settings, tmp_path):
    folder = save_text_encoder(tmp_path / "some-dot-v1")
    config = {**settings.SPACES["text"], "metric": "model", "model": str(folder)}
    settings.SPACES = {"text": config}
    assert plan_for("text").metric == "dot"
    said_so = '{"similarity_fn_name": "euclidean"}'
    (folder / "config_sentence_transformers.json").write_text(said_so)
    assert plan_for("text").metric == "l2"
    settings.SPACES = {"text": {**config, "metric": "cosine"}}
    assert plan_for("text").metric == "cosine"


def test_a_cut_vector_is_normalised_anew(settings, tmp_path):
    folder = save_text_encoder(tmp_path / "encoder")
    config = {**settings.SPACES["text"], "model": str(folder), "metric": "cosine"}
    settings.SPACES = {"text": config, "cut": {**config, "dimensions": 5}}
    whole = embedder_for("text").encode_texts(["revenue rose"])[0]
    cut = embedder_for("cut").encode_texts(["revenue rose"])[0]
    assert plan_for("cut").dimension == 5
    assert cut == pytest.approx(whole[:5] / (whole[:5] ** 2).sum() ** 0.5, abs=1e-5)


def test_the_command_lists_begins_and_rolls_back(library, settings):
    library.document("apple")

    def run(*arguments):
        out = io.StringIO()
        call_command("spaces", *arguments, stdout=out)
        return out.getvalue()

    assert "text 1 live: fruit-1 (4 dimensions, cosine)" in run()
    settings.SPACES["text"]["model"] = "fruit-2"
    assert "text 2 live: fruit-2" in run("begin", "text", "--here")
    assert "text 1 live: fruit-1" in run("roll-back", "text", "--here")
    with pytest.raises(CommandError, match="no version before 1"):
        run("roll-back", "text")
    with pytest.raises(CommandError, match="Name a space: text, image, keywords"):
        run("begin", "sound")


def test_versions_over_the_api(library, django_user_model, asked):
    library.document("apple")
    client = APIClient()
    client.force_authenticate(library.collection.owner)
    path = "/api/v1/spaces/text/versions/"
    assert [v["state"] for v in client.get(path).json()] == ["live"]
    assert client.post(path).status_code == 403
    client.force_authenticate(django_user_model.objects.create_user("staff", is_staff=True))
    begun = client.post(path)
    assert (begun.status_code, begun.json()["number"]) == (202, 2)
    spaces.build_version(SpaceVersion.objects.get(space="text", number=2))
    assert client.post("/api/v1/spaces/text/roll-back/").json()["number"] == 1
    refused = client.post("/api/v1/spaces/text/roll-back/")
    assert (refused.status_code, "no version before" in refused.json()["detail"]) == (422, True)
    assert client.get("/api/v1/spaces/sound/versions/").status_code == 404
    # The second was rolled back: what the third took the place of is the first.
    assert client.post(path, {"waits": True}, format="json").json()["number"] == 3
    spaces.build_version(SpaceVersion.objects.get(space="text", number=3))
    assert client.post("/api/v1/spaces/text/versions/3/activate/").json()["state"] == "live"
    assert client.post("/api/v1/spaces/text/roll-back/").json()["number"] == 1


def test_the_api_has_one_vector_made_again(
    library, django_user_model, asked, django_capture_on_commit_callbacks
):
    document = library.document("apple", "pear")
    version, chunk = spaces.live_versions()["text"], document.chunks.get(text="pear")
    path = f"/api/v1/spaces/text/vectors/{chunk.pk}/remake/"
    client = APIClient()
    client.force_authenticate(library.collection.owner)
    assert client.post(path).status_code == 403
    client.force_authenticate(django_user_model.objects.create_user("staff", is_staff=True))
    asked.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(path).status_code == 202
    assert asked == [("remake_vector", version.pk, chunk.pk)]
    rows = Embedding.objects.filter(space_version=version)
    rows.filter(chunk=chunk).update(vector=b"\0" * 16)
    before = dict(rows.exclude(chunk=chunk).values_list("pk", "vector"))
    tasks.remake_vector(version.pk, chunk.pk)
    tasks.remake_vector(version.pk, 0)  # Deleted meanwhile.
    assert bytes(rows.get(chunk=chunk).vector) == axis("pear").tobytes()
    assert dict(rows.exclude(chunk=chunk).values_list("pk", "vector")) == before
    refused = client.post(path.replace("text", "image"))
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "The space image has no vector of this text chunk.",
    )
    assert client.post(path.replace("text", "keywords")).status_code == 422
    assert client.post("/api/v1/spaces/text/vectors/0/remake/").status_code == 404


def test_one_vector_is_made_again_and_no_other_is_touched(library):
    document = library.document("apple", "pear")
    version = spaces.live_versions()["text"]
    kept, remade = Embedding.objects.filter(space_version=version).order_by("chunk__order")
    Embedding.objects.filter(pk=remade.pk).update(vector=kept.vector)
    embedding.remake(version, remade.chunk)
    assert said(search("pear", where=only(document), weights={"keywords": 0}))[0] == "pear"
    assert Embedding.objects.filter(pk=kept.pk).exists()
