import pytest

from ingestion.text_repair import clean


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("eﬃcient ﬂow", "efficient flow"),
        ("co\u00adoperate", "cooperate"),
        ("co\u00ad", "co-"),
        ("a\u00a0 b\tc", "a b c"),
        ("nul\x00l", "null"),
        ("e\u0301", "é"),
        ("\ud800lone", "lone"),
        ("½ m²", "½ m²"),
    ],
)
def test_mends(broken: str, mended: str) -> None:
    assert clean(broken) == mended
