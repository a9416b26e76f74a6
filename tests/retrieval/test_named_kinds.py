from dataclasses import replace

import pytest

from retrieval import profiles
from retrieval.named_kinds import LIFTS, lift, named_in
from retrieval.search import search
from tests.retrieval.conftest import only


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("What does the pie chart on sales say?", {"image"}),
        ("How many screenshots are there?", {"image"}),
        ("Which row of the table is the longest?", {"table"}),
        ("Does the Table agree with the Figures?", {"table", "image"}),
        ("What does the second paragraph say?", set()),
        ("What is in the table of contents?", set()),
        ("Is the roadmap adaptable?", set()),
        ("", set()),
    ],
)
def test_kinds_that_a_question_names(question, kinds):
    assert named_in(question) == kinds


def test_what_is_named_counts_more_and_the_rest_as_before():
    ranking = [(1, 3.0), (2, 2.9), (3, 1.0)]
    assert lift(ranking, {3: "image", 2: "table"}) == [(2, 3.4), (1, 3.0), (3, 1.6)]
    assert lift(ranking, {2: "table"}, unit=0.1) == [(1, 3.0), (2, 2.9 + 0.05), (3, 1.0)]
    assert lift(ranking, {}) == ranking


def test_a_figure_counts_more_where_a_figure_is_asked_for(library):
    figure = {"kind": "image", "text": "apple pear plum", "picture": "pear"}
    document = library.document("apple plum", figure)

    def found(question):
        return {hit.chunk.kind: hit for hit in search(question, where=only(document)).hits}

    plain, named = found("apple plum"), found("the chart of apple plum")
    gain = named["image"].fused_score - plain["image"].fused_score
    assert gain == pytest.approx(LIFTS["image"])
    assert named["text"].fused_score == pytest.approx(plain["text"].fused_score)
    assert named["image"].sources["kind"].score == LIFTS["image"]
    assert not any("kind" in hit.sources for hit in (*plain.values(), named["text"]))


def test_scores_of_another_scale_are_left_alone(library):
    document = library.document("apple", {"kind": "image", "text": "apple", "picture": "pear"})
    standard = profiles.standard()
    by_rank = replace(standard.stage, fusion=replace(standard.stage.fusion, method="rrf"))
    request = replace(standard, stage=by_rank)
    hits = search("chart apple", where=only(document), request=request).hits
    assert not any("kind" in hit.sources for hit in hits)
