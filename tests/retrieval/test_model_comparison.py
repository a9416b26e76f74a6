import io
import tomllib
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from retrieval.model_comparison import Measured, recommended, sized
from tests.retrieval.test_evaluation import fruits, question_set  # noqa: F401

SMALL = Measured("small", 128, "cosine", 10, 5, 100, 2.0, 1000, {"type": "flat"}, 1, 0.5, 0.60)
GOOD = replace(SMALL, model="good", dimension=384, query_ms=5.0, ndcg_at_10=0.70, megabytes=3)
SLOW = replace(GOOD, model="slow", dimension=768, query_ms=50.0, ndcg_at_10=0.705, megabytes=6)


def test_the_best_within_the_budget_and_of_equals_the_faster():
    some = [SMALL, GOOD, SLOW]
    assert recommended(some) == GOOD
    assert recommended([SMALL, replace(SLOW, ndcg_at_10=0.8), GOOD]).model == "slow"
    assert recommended(some, query_ms=3) == SMALL
    assert recommended(some, priority="speed") == SMALL
    assert recommended(some, priority="memory", query_ms=60) == SMALL
    with pytest.raises(LookupError, match="within the budget"):
        recommended(some, megabytes=0.5)
    with pytest.raises(ValueError, match="the priority is one of"):
        recommended(some, priority="beauty")


def test_memory_and_index_follow_the_size_of_the_corpus():
    assert sized(GOOD, 10_000).index == {"type": "flat"}
    assert sized(GOOD, 10_000).megabytes == pytest.approx(10_000 * (4 * 384 + 22) / 1e6)
    large = sized(GOOD, 1_000_000)
    assert large.index["type"] == "ivf_rabitq"
    lists = 4000 * 4 * 384
    assert large.megabytes == pytest.approx((1_000_000 * (384 / 8 + 16 + 22) + lists) / 1e6)


def test_models_are_compared_and_one_is_recommended(question_set, settings):  # noqa: F811
    def run(*arguments):
        out = io.StringIO()
        call_command(*arguments, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    with pytest.raises(CommandError, match="run compare_models first"):
        run("recommend_model", "--corpus", "1000")
    shown = run("compare_models", "fruits", "fruit-1", "fruit-2@2", "nothing")
    assert "fruit-1: 4 dimensions (cosine)" in shown
    assert "fruit-2@2: 2 dimensions (cosine)" in shown
    assert "nothing" not in shown
    chosen = run("recommend_model", "--corpus", "60000", "--priority", "memory")
    assert chosen.startswith("fruit-2@2: nDCG@10")
    space = tomllib.loads(chosen.partition(":\n")[2])["text"]
    assert (space["model"], space["dimensions"]) == ("fruit-2", 2)
    assert space["index"] == {"type": "ivf_rabitq", "ef_search": 512}
    with pytest.raises(CommandError, match="raise --chunks"):
        run("compare_models", "fruits", "fruit-1", "--chunks", "1")
    with pytest.raises(CommandError, match="No model could be measured"):
        run("compare_models", "fruits", "nothing")
