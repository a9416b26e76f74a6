from datetime import timedelta

import pytest
from django.utils import timezone

from retrieval import (
    building,
    embedders,
    keyword_text,
    keywords,
    space_status,
    spaces,
    vector_search,
)
from retrieval.embedders import embedder_for
from retrieval.models import Embedding, SpaceVersion, SpaceVersionState
from tests.retrieval.conftest import only, restart, texts
from tests.retrieval.fake_models import FruitEmbedder

FIGURE = {"kind": "image", "text": "apple", "caption": "Figure 1: pear", "picture": "plum"}


def rows() -> list[tuple]:
    fields = ("space", "number", "state", "model")
    return list(SpaceVersion.objects.order_by("space", "number").values_list(*fields))


def search(space: str, words: str, *found) -> list[str]:
    version = spaces.live_versions()[space]
    vector = embedder_for(space, version.model).encode_queries([words])[0]
    return texts(vector_search.search(version, vector, limit=10, where=only(*found)))


def building_version(space: str) -> SpaceVersion:
    return SpaceVersion.objects.get(space=space, state=SpaceVersionState.BUILDING)


def without_picture_model(settings) -> None:
    """Start anew, as where the weights of the image model are missing."""
    SpaceVersion.objects.all().delete()
    (settings.MODELS_DIR / "pear-eye.safetensors").unlink()
    spaces.sync()


def picture_model_arrives(settings) -> None:
    (settings.MODELS_DIR / "pear-eye.safetensors").write_bytes(b"-")
    spaces.sync()


def test_the_first_start_makes_live_versions_and_the_second_changes_nothing(library) -> None:
    first = [
        ("image", 1, "live", "pear-eye"),
        ("keywords", 1, "live", f"en_stem.{keyword_text.ANALYSIS}"),
        ("text", 1, "live", "fruit-1"),
    ]
    assert rows() == first
    spaces.sync()
    assert rows() == first
    image = spaces.live_versions()["image"]
    assert (image.dimension, image.metric, image.input) == (4, "cosine", "image")


def test_all_live_versions_come_in_one_query(library, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        assert set(spaces.live_versions()) == {"text", "image", "keywords"}


def test_a_third_space_is_configuration_only(library, settings) -> None:
    settings.SPACES["second"] = {**settings.SPACES["text"], "model": "fruit-2", "kinds": ["text"]}
    spaces.sync()
    document = library.document("plum", "pear", FIGURE)
    assert search("second", "pear", document) == ["pear", "plum"]
    assert [status.name for status in spaces.describe()] == ["text", "image", "second", "keywords"]


def test_a_space_that_is_no_longer_configured_is_not_searched_or_filled(library, settings) -> None:
    del settings.SPACES["image"]
    spaces.sync()
    library.document("apple", FIGURE)
    assert set(spaces.live_versions()) == {"text", "keywords"}
    assert not Embedding.objects.filter(space_version__space="image").exists()


def test_another_model_is_built_beside_and_switched_to_in_one_step(
    library, settings, asked
) -> None:
    one = library.document("apple", "pear")
    settings.SPACES["text"]["model"] = "fruit-2"
    asked.clear()
    spaces.sync()
    new = building_version("text")
    assert asked == [("build_space_version", new.pk)]
    assert search("text", "pear", one) == ["pear", "apple"]
    two = library.document("pear plum")
    assert search("text", "pear", one, two) == ["pear", "pear plum", "apple"]
    assert new.embeddings.count() == 1
    assert spaces.build_version(new)
    assert [row for row in rows() if row[0] == "text"] == [
        ("text", 1, "retired", "fruit-1"),
        ("text", 2, "live", "fruit-2"),
    ]
    assert search("text", "pear", one, two) == ["pear", "pear plum", "apple"]
    three = library.document("cherry")
    assert search("text", "cherry", one, two, three)[0] == "cherry"


def test_progress_of_a_build_is_shown(library, settings) -> None:
    library.document("apple", "pear")
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    spaces.fill(building_version("text"))
    [status] = [status for status in spaces.describe() if status.name == "text"]
    assert status.build == space_status.Build(number=2, model="fruit-2", done=2, total=2, error="")


def test_a_document_published_in_the_middle_of_a_build_is_not_missed(
    library, settings, monkeypatch
) -> None:
    found = [library.document("apple")]
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    real = building.is_due

    def publish_meanwhile(version: SpaceVersion) -> bool:
        if len(found) < 3:
            found.append(library.document(f"pear {len(found)}"))
            Embedding.objects.filter(
                space_version=version, chunk__document=found[-1]
            ).delete()  # As by a worker that did not know of the new version yet.
        return real(version)

    monkeypatch.setattr(building, "is_due", publish_meanwhile)
    new = building_version("text")
    assert spaces.build_version(new)
    assert new.embeddings.count() == 3
    assert len(search("text", "pear", *found)) == 3


def test_a_model_that_cannot_be_had_is_not_switched_to(library, settings) -> None:
    settings.SPACES["text"]["model"] = "nowhere"
    spaces.sync()
    assert ("text", 1, "live", "fruit-1") in rows()
    assert not SpaceVersion.objects.filter(state=SpaceVersionState.BUILDING).exists()


def test_a_lost_picture_does_not_hold_up_a_switch(library, settings) -> None:
    without_picture_model(settings)
    library.document(FIGURE, {**FIGURE, "picture": None, "image": "nowhere.png"})
    picture_model_arrives(settings)
    assert spaces.build_version(building_version("image"))
    assert spaces.live_versions()["image"].embeddings.count() == 1


def test_a_lost_picture_does_not_keep_a_version_from_being_compared(library, settings) -> None:
    without_picture_model(settings)
    library.document(FIGURE, {**FIGURE, "picture": None, "image": "nowhere.png"})
    (settings.MODELS_DIR / "pear-eye.safetensors").write_bytes(b"-")
    version = spaces.begin_version("image", waits=True)
    assert spaces.build_version(version)
    version.refresh_from_db()
    assert version.is_to_be_compared


def test_a_space_is_filled_in_turns(library, settings) -> None:
    for _ in range(3):
        library.document("apple")
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    version = building_version("text")
    turns = [spaces.build_version(version, until=0) for _ in range(4)]
    assert turns == [False, False, False, True]
    assert ("text", 2, "live", "fruit-2") in rows()


def test_a_model_that_is_wanted_no_more_never_goes_live(library, settings, asked) -> None:
    library.document("apple")
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    abandoned = building_version("text")
    settings.SPACES["text"]["model"] = "pear-eye"
    spaces.sync()
    assert spaces.build_version(abandoned)
    assert ("text", 1, "live", "fruit-1") in rows()
    assert spaces.build_version(building_version("text"))
    assert [row for row in rows() if row[0] == "text"] == [
        ("text", 1, "retired", "fruit-1"),
        ("text", 2, "discarded", "fruit-2"),
        ("text", 3, "live", "pear-eye"),
    ]
    assert spaces.roll_back("text").number == 1


def test_a_change_of_model_can_be_taken_back_and_made_again(library, settings) -> None:
    library.document("apple")
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    given_up = building_version("text")
    settings.SPACES["text"]["model"] = "fruit-1"
    spaces.sync()
    assert spaces.build_version(given_up)
    assert [row for row in rows() if row[0] == "text"] == [
        ("text", 1, "live", "fruit-1"),
        ("text", 2, "discarded", "fruit-2"),
    ]
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    assert spaces.build_version(building_version("text"))
    assert ("text", 3, "live", "fruit-2") in rows()


def test_what_waits_to_be_compared_stays_when_the_settings_change(library, settings) -> None:
    settings.SPACES["text"]["model"] = "fruit-2"
    waiting = spaces.begin_version("text", waits=True)
    settings.SPACES["text"]["model"] = "fruit-1"
    spaces.sync()
    assert building_version("text") == waiting


def test_weights_that_go_missing_do_not_give_up_what_is_being_built(library, settings) -> None:
    without_picture_model(settings)
    picture_model_arrives(settings)
    begun = building_version("image")
    (settings.MODELS_DIR / "pear-eye.safetensors").unlink()
    spaces.sync()
    assert building_version("image") == begun


def test_a_roll_back_is_searched_at_once_and_its_gaps_are_filled(
    library, settings, django_capture_on_commit_callbacks, asked
) -> None:
    one = library.document("apple")
    building.build_snapshot(spaces.live_versions()["text"])
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    spaces.build_version(building_version("text"))
    two = library.document("pear")
    library.parse(one, "plum")
    asked.clear()
    with django_capture_on_commit_callbacks(execute=True):
        version = spaces.roll_back("text")
    assert (version.number, asked) == (1, [("build_space_version", version.pk)])
    assert search("text", "pear", one, two) == []
    assert spaces.build_version(version)
    assert search("text", "pear", one, two) == ["pear", "plum"]
    spaces.sync()
    assert not SpaceVersion.objects.filter(state=SpaceVersionState.BUILDING).exists()


def test_after_a_roll_back_the_new_model_can_be_begun_again(library, settings) -> None:
    library.document("apple")
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    spaces.build_version(building_version("text"))
    spaces.roll_back("text")
    FruitEmbedder.encoded.clear()
    version = spaces.begin_version("text")
    assert (version.number, version.model) == (3, "fruit-2")
    spaces.build_version(version)
    assert ("text", 3, "live", "fruit-2") in rows()
    assert FruitEmbedder.encoded == []


def test_there_may_be_nothing_to_go_back_to(library) -> None:
    with pytest.raises(LookupError, match="no version before 1"):
        spaces.roll_back("text")


def test_descriptions_are_switched_to_pictures_when_the_model_arrives(
    library, settings, asked
) -> None:
    without_picture_model(settings)
    document = library.document(FIGURE)
    assert search("image", "pear", document) == ["apple"]
    asked.clear()
    picture_model_arrives(settings)
    version = building_version("image")
    assert asked == [("build_space_version", version.pk)]
    assert search("image", "pear", document) == ["apple"]
    assert spaces.build_version(version)
    assert spaces.live_versions()["image"].model == "pear-eye"
    assert search("image", "plum", document) == ["apple"]


def test_weights_that_go_missing_do_not_undo_what_they_made(library, settings) -> None:
    (settings.MODELS_DIR / "pear-eye.safetensors").unlink()
    embedders.forget_all()
    spaces.sync()
    assert spaces.live_versions()["image"].model == "pear-eye"
    assert not SpaceVersion.objects.filter(state=SpaceVersionState.BUILDING).exists()
    [status] = [status for status in spaces.describe() if status.name == "image"]
    assert "pear-eye cannot be had" in status.condition


def test_a_new_analyzer_is_built_beside(library, settings) -> None:
    one = library.document("apple")
    keywords.search("apple", limit=5, where=only(one))
    settings.KEYWORD_ANALYZER = "en_other"
    spaces.sync()
    assert spaces.build_version(building_version("keywords"))
    assert spaces.live_versions()["keywords"].number == 2
    assert len(keywords.search("apple", limit=5, where=only(one))) == 1


def test_lost_work_is_taken_up(library, asked) -> None:
    library.document("apple")
    spaces.tend()
    asked.clear()
    Embedding.objects.all().delete()
    spaces.tend()
    assert asked == [("build_space_version", spaces.live_versions()["text"].pk)]


def test_a_snapshot_is_built_when_enough_is_fresh(library, settings) -> None:
    settings.SNAPSHOT_AFTER_ROWS = 3
    library.document("apple", "pear", "plum")
    version = spaces.live_versions()["text"]
    assert not building.is_due(version)
    library.document("cherry")
    assert building.is_due(version)
    spaces.refresh_indexes()
    assert not building.is_due(version)
    assert spaces.live_versions()["text"].last_built_at is not None


def test_the_status_tells_what_is_there(library, settings) -> None:
    without_picture_model(settings)
    one = library.document("apple", FIGURE)
    building.build_snapshot(spaces.live_versions()["text"])
    restart()
    library.document("pear")
    library.parse(one, "plum")
    search("text", "plum", one)
    keywords.search("plum", limit=1, where=only(one))
    text, image, words = spaces.describe()
    assert (text.name, text.version, text.state, text.model) == ("text", 1, "live", "fruit-1")
    assert (text.vectors, text.fresh, text.deleted, text.missing) == (2, 2, 2, 0)
    assert (text.dimension, text.metric, text.index) == (4, "cosine", {"type": "flat"})
    assert text.memory_bytes > 0
    assert text.last_built_at is not None
    assert timezone.now() - text.last_built_at < timedelta(minutes=1)
    assert text.condition == ""
    assert image.condition.startswith("The weights of pear-eye are missing, so pictures and ")
    assert "pear-eye" in image.condition.split("reads those.")[1]
    assert (words.name, words.vectors, words.missing) == ("keywords", 2, 0)
    assert words.index == {"type": "bm25", "k1": 1.2, "b": 0.75}
    Embedding.objects.filter(chunk__text="pear").delete()
    assert "1 passage lacks a vector." in spaces.describe()[0].condition


def test_what_came_since_the_last_search_is_counted(library) -> None:
    one = library.document("apple")
    search("text", "apple", one)
    library.document("pear", "plum")
    [text] = [space for space in spaces.describe() if space.name == "text"]
    assert (text.vectors, text.fresh) == (3, 3)


def test_a_slow_count_is_not_made_again_at_once(library, monkeypatch) -> None:
    library.document("apple")
    Embedding.objects.all().delete()
    monkeypatch.setattr(space_status, "_counted", {})
    monkeypatch.setattr(space_status, "COUNT_SHARE", 1e6)
    monkeypatch.setattr(space_status, "SLOW_COUNT_SECONDS", 1e6)
    assert spaces.describe()[0].missing == 1
    library.document("pear")
    Embedding.objects.all().delete()
    monkeypatch.setattr(space_status, "SLOW_COUNT_SECONDS", 0)
    assert spaces.describe()[0].missing == 2
    library.document("plum")
    Embedding.objects.all().delete()
    assert spaces.describe()[0].missing == 2


def test_a_version_that_waits_is_filled_kept_and_not_searched_before_somebody_says_so(
    library, settings
) -> None:
    one = library.document("apple", "pear")
    settings.SPACES["text"]["model"] = "fruit-2"
    version = spaces.begin_version("text", waits=True)
    assert not version.is_to_be_compared
    assert spaces.build_version(version)
    version.refresh_from_db()
    assert version.is_to_be_compared
    assert spaces.live_versions()["text"].number == 1
    library.document("plum")
    assert version.embeddings.count() == 3
    before = version.uuid
    spaces.switch_to(version)
    assert (version.state, version.uuid) == ("live", before)
    assert search("text", "pear", one)[0] == "pear"


def test_a_model_of_the_settings_may_have_to_wait(library, settings) -> None:
    library.document("apple")
    settings.ASK_BEFORE_SWITCH = True
    settings.SPACES["text"]["model"] = "fruit-2"
    spaces.sync()
    assert building_version("text").waits


def test_what_stands_in_for_a_model_never_waits(library, settings) -> None:
    without_picture_model(settings)
    library.document(FIGURE)
    settings.ASK_BEFORE_SWITCH = True
    picture_model_arrives(settings)
    assert not building_version("image").waits
