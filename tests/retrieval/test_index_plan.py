from __future__ import annotations

import pytest

from retrieval.index_plan import IndexPlan, plan


@pytest.mark.parametrize(
    ("count", "kind"),
    [(0, "flat"), (49_999, "flat"), (50_000, "ivf_rabitq"), (10**7, "ivf_rabitq")],
)
def test_the_type_follows_the_size(count: int, kind: str) -> None:
    assert plan({"type": "auto"}, count).type == kind


def test_the_settings_may_name_the_type_and_its_parameters() -> None:
    chosen = plan({"type": "hnsw", "M": 8, "ef_construction": 40, "ef_search": 16}, 3)
    assert chosen == IndexPlan("hnsw", m=8, ef_construction=40, ef_search=16)
    chosen = plan({"type": "ivf_rabitq", "lists": 50, "probes": 7}, 5000)
    assert chosen == IndexPlan("ivf_rabitq", lists=50, probes=7)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="'hsnw' is not known"):
        plan({"type": "hsnw"}, 3)


def test_lists_grow_with_the_root_of_the_size() -> None:
    assert [plan({}, count).lists for count in (49_999, 250_000, 1_000_000)] == [0, 2000, 4000]


@pytest.mark.parametrize("count", [0, 1, 5, 40])
def test_there_are_no_more_lists_than_vectors_and_no_more_probes_than_lists(count: int) -> None:
    chosen = plan({"type": "ivf_rabitq", "lists": 100, "probes": 100}, count)
    assert chosen.lists == chosen.probes == max(1, count)
    automatic = plan({"type": "ivf_rabitq"}, count)
    assert 1 <= automatic.probes <= automatic.lists <= max(1, count)


def test_more_effort_and_a_narrower_filter_visit_more_lists() -> None:
    chosen = IndexPlan("ivf_rabitq", ef_search=500, lists=1000, probes=60)
    assert chosen.probes_for(500, 1.0) == 60
    assert chosen.probes_for(1000, 1.0) == 120
    assert chosen.probes_for(500, 0.25) == 120
    assert chosen.probes_for(1, 1.0) == 1
    assert chosen.probes_for(500, 0.0001) == 1000


def test_the_parameters_shown_are_those_of_the_type() -> None:
    assert plan({}, 3).as_dict() == {"type": "flat"}
    assert set(plan({}, 10**6).as_dict()) == {"type", "lists", "probes", "ef_search"}
    hnsw = plan({"type": "hnsw"}, 10**6).as_dict()
    assert set(hnsw) == {"type", "m", "ef_construction", "ef_search"}


@pytest.mark.parametrize("kind", ["flat", "ivf_rabitq", "hnsw", "hnsw_sq8"])
def test_a_plan_comes_back_from_what_is_shown(kind: str) -> None:
    chosen = plan({"type": kind, "M": 8}, 5000)
    assert IndexPlan(**chosen.as_dict()).can_be_extended_to(chosen)


def test_lists_grow_on_until_they_are_far_too_few() -> None:
    held = plan({"type": "ivf_rabitq"}, 100_000)
    assert held.can_be_extended_to(plan({"type": "ivf_rabitq"}, 150_000))
    assert not held.can_be_extended_to(plan({"type": "ivf_rabitq"}, 300_000))
    assert not held.can_be_extended_to(plan({"type": "hnsw"}, 100_000))
    other = plan({"type": "ivf_rabitq", "ef_search": 9}, 100_000)
    assert held.can_be_extended_to(other)


def test_codes_take_a_fraction_of_the_memory() -> None:
    sizes = {kind: plan({"type": kind}, 10**6).bytes_per_vector(384, 10**6) for kind in KINDS}
    assert sizes["flat"] == 1536
    assert sizes["ivf_rabitq"] < 80 < 600 < sizes["hnsw_sq8"] < sizes["flat"] < sizes["hnsw"]


KINDS = ("flat", "ivf_rabitq", "hnsw", "hnsw_sq8")
