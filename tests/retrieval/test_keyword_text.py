import pytest

from retrieval.keyword_index import words_of
from retrieval.keyword_text import name_words, prepare


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("revenue of $1,234,567.8", "revenue of $1234567.8"),
        ("10 000 or 10\u202f000 or 10'000", "10 000 or 10000 or 10000"),
        ("pages 1,2,3 and 1,2345", "pages 1,2,3 and 1,2345"),
        ("Form 10-K", "Form 10-K 10K"),
        ("state-of-the-art R&D", "state-of-the-art stateoftheart R&D RD"),
        ("the company's and the companies’ aims", "the company and the companies’ aims"),
        ("don't", "dont"),
        ("co\u00adoperation", "cooperation"),
        ("ﬁnance ２０２１", "finance 2021"),
        ("東京都 is big", " 東京 京都  is big"),
        ("京", " 京 "),
        ("", ""),
    ],
)
def test_text_is_prepared(given: str, prepared: str) -> None:
    assert prepare(given) == prepared


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Running runs", ["run"]),
        ("What is the company's net income?", ["compani", "net", "incom"]),
        ("what is this", ["what", "is", "this"]),
        ("naïve café", ["naiv", "cafe"]),
        ("10-K", ["10", "k", "10k"]),
        ("3.5 %", ["3.5"]),
        ('(a OR "b: ~ *', ["b"]),
        ("?!", []),
    ],
)
def test_a_query_becomes_words(query: str, words: list[str]) -> None:
    assert words_of(query) == words


@pytest.mark.parametrize(
    ("title", "filename", "words"),
    [
        ("", "NIKE_2019_10K.pdf", "NIKE 2019 10K"),
        ("Annual Report", "AMCOR_2023Q2_10Q.pdf", "Annual Report AMCOR 2023 Q2 10Q"),
        ("AnnualReport2021", "scan", "Annual Report 2021 scan"),
        ("Handbook", "handbook v1.2.pdf", "Handbook handbook v1 2"),
    ],
)
def test_names_of_documents_are_words(title, filename, words):
    assert name_words(title, filename) == words
