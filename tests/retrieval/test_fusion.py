import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import dbsf, merge, rrf, weighted, zmuv

A, B, C, D = 1, 2, 3, 4
TEXT = [(A, 0.9), (B, 0.7), (C, 0.2)]
IMAGE = [(C, 12.0), (D, 8.0), (A, 4.0)]


def approx(pairs):
    return [(item, pytest.approx(score)) for item, score in pairs]


def test_rrf_by_hand():
    fused = rrf({"text": TEXT, "image": IMAGE})
    assert fused == approx(
        [(A, 1 / 61 + 1 / 63), (C, 1 / 63 + 1 / 61), (B, 1 / 62), (D, 1 / 62)],
    )


def test_rrf_with_weights_and_another_k():
    fused = rrf({"text": TEXT, "image": IMAGE}, k=1, weights={"text": 2, "image": 0.5})
    assert fused == approx(
        [
            (A, 2 / 2 + 0.5 / 4),
            (C, 2 / 4 + 0.5 / 2),
            (B, 2 / 3),
            (D, 0.5 / 3),
        ]
    )


def test_dbsf_by_hand():
    # Mean 2, sample deviation sqrt((1 + 0 + 1) / 2) = 1: from -1 to 5.
    fused = dbsf({"text": [(A, 3.0), (B, 2.0), (C, 1.0)]})
    assert fused == approx([(A, 4 / 6), (B, 3 / 6), (C, 2 / 6)])


def test_dbsf_adds_lists_of_different_scales():
    fused = dbsf({"text": [(A, 3.0), (B, 2.0), (C, 1.0)], "image": [(C, 300.0), (A, 100.0)]})
    # Image: mean 200, deviation sqrt(2 * 100^2) = 141.42.
    lead = 100 / (6 * math.sqrt(2) * 100)
    assert dict(fused)[C] == pytest.approx(2 / 6 + 0.5 + lead)
    assert dict(fused)[A] == pytest.approx(4 / 6 + 0.5 - lead)


@pytest.mark.parametrize("ranking", [[(A, 7.0)], [(A, 7.0), (B, 7.0)]])
def test_dbsf_of_equal_scores_is_one_half(ranking):
    assert dbsf({"text": ranking}) == [(item, 0.5) for item, _ in ranking]


def test_dbsf_does_not_cut_an_outlier():
    fused = dbsf({"text": [(0, 100.0), *((i, 0.0) for i in range(1, 30))]})
    assert fused[0][1] > 1


def test_weighted_by_hand():
    fused = weighted({"text": TEXT, "image": IMAGE}, weights={"text": 0.25, "image": 0.75})
    assert fused == approx(
        [
            (C, 0.75),
            (D, 0.75 * 0.5),
            (A, 0.25),
            (B, 0.25 * (0.5 / 0.7)),
        ]
    )


def test_weighted_of_equal_scores_is_one():
    assert weighted({"text": [(A, 3.0), (B, 3.0)]}) == [(A, 1.0), (B, 1.0)]


def test_zmuv_by_hand():
    # Text: mean 0.6, deviation sqrt((0.09 + 0.01 + 0.16) / 3); image: mean 8, sqrt(32 / 3).
    text, image = math.sqrt(0.26 / 3), math.sqrt(32 / 3)
    fused = zmuv({"text": TEXT, "image": IMAGE}, weights={"image": 0.5})
    assert dict(fused) == pytest.approx(
        {
            A: 0.3 / text + 2 + 0.5 * (-4 / image + 2),
            B: 0.1 / text + 2,
            C: -0.4 / text + 2 + 0.5 * (4 / image + 2),
            D: 0.5 * 2,
        }
    )
    assert fused == merge({"text": TEXT, "image": IMAGE}, "zmuv", weights={"image": 0.5})


def test_zmuv_of_equal_scores_is_the_shift():
    assert zmuv({"text": [(A, 3.0), (B, 3.0)]}, shift=1) == [(A, 1.0), (B, 1.0)]


def test_zmuv_without_a_shift_takes_what_is_absent_for_average():
    fused = dict(zmuv({"text": [(A, 3.0), (B, 1.0)], "image": [(C, 5.0)]}, shift=0))
    assert fused == {A: 1.0, B: -1.0, C: 0.0}


@pytest.mark.parametrize("fuse", [rrf, dbsf, weighted, zmuv])
def test_a_missing_list_is_no_error(fuse):
    assert fuse({"text": TEXT, "image": []}) == fuse({"text": TEXT})
    assert fuse({}) == []


@pytest.mark.parametrize("fuse", [rrf, dbsf, weighted, zmuv])
def test_weight_zero_leaves_a_source_out(fuse):
    assert fuse({"text": TEXT, "image": IMAGE}, weights={"image": 0}) == fuse({"text": TEXT})


scores = st.lists(st.floats(-100, 100, allow_nan=False), min_size=1, max_size=20, unique=True)


def ranking_of(values):
    return list(enumerate(sorted(values, reverse=True)))


@given(scores)
@pytest.mark.parametrize("fuse", [rrf, dbsf, weighted, zmuv])
def test_one_list_keeps_its_order(fuse, values):
    fused = fuse({"text": ranking_of(values)})
    assert [score for _, score in fused] == sorted((s for _, s in fused), reverse=True)
    assert {item for item, _ in fused} == set(range(len(values)))


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=20, unique=True))
@pytest.mark.parametrize("fuse", [dbsf, weighted, zmuv])
def test_scale_and_offset_of_a_list_do_not_matter(fuse, values):
    ranking = ranking_of(values)
    moved = [(item, 8 * score + 3) for item, score in ranking]
    assert dict(fuse({"text": moved})) == pytest.approx(dict(fuse({"text": ranking})))
