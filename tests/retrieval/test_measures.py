import pytest

from retrieval import measures


def test_worked_out_by_hand():
    relevant = {"a": ["x", "y"], "b": ["z"], "none": []}
    ranked = {"a": ["q", "x", "r", "s", "t", "y"], "b": []}
    found = measures.per_question(relevant, ranked)
    assert found.keys() == {"a", "b"}
    a = found["a"]
    assert (a["recall@1"], a["recall@3"], a["recall@10"]) == (0, 0.5, 1)
    assert a["precision@5"] == pytest.approx(0.2)
    assert a["rr"] == 0.5
    # 1/log2(3) + 1/log2(7) over 1 + 1/log2(3)
    assert a["ndcg@10"] == pytest.approx((0.63093 + 0.35621) / 1.63093, abs=1e-4)
    assert set(found["b"].values()) == {0.0}


def test_an_interval_holds_the_mean_and_narrows_with_more_questions():
    few, many = measures.estimate([0, 1] * 5), measures.estimate([0, 1] * 500)
    assert few.low < few.mean == 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 5
    assert measures.estimate([]).count == 0


def test_a_paired_comparison_sees_what_is_real_and_what_is_chance():
    first = [0.0, 0.2, 0.4, 0.6] * 10
    real = measures.compare(first, [value + 0.1 for value in first])
    assert (real.difference, real.better, real.worse) == (pytest.approx(0.1), 40, 0)
    assert real.p < 0.001 < real.low
    chance = measures.compare(first, first[::-1])
    assert chance.p > 0.5
    assert chance.low < 0 < chance.high
    assert measures.compare([], []).p == 1


def test_percentiles_are_in_milliseconds():
    found = measures.percentiles([0.001 * n for n in range(101)])
    assert found == {
        name: pytest.approx(at) for name, at in [("p50", 50), ("p95", 95), ("p99", 99)]
    }
