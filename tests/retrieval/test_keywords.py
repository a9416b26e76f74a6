import shutil
import threading

import pytest
from django.utils import timezone

from ingestion import documents
from ingestion.errors import TransientError
from retrieval import keyword_building, keyword_reader, keywords, leases, spaces
from retrieval.candidates import IndexNotReady
from retrieval.index_folders import current_name, folder_of
from retrieval.keyword_index import KeywordIndex
from retrieval.models import SpaceVersion
from tests.retrieval.conftest import only, restart, texts


def version() -> SpaceVersion:
    return spaces.live_versions()["keywords"]


def search(query: str, *found, **filters) -> list[str]:
    return texts(keywords.search(query, limit=10, where=only(*found, **filters)))


def refuse_small_builds(monkeypatch) -> None:
    monkeypatch.setattr(keyword_reader, "AT_ONCE", -1)


def test_a_document_is_found_as_soon_as_it_is_published(library, asked) -> None:
    one = library.document("Ripe apples", "Green pears")
    assert search("apple", one) == ["Ripe apples"]
    two = library.document("An apple a day")
    assert search("apple", one, two) == ["Ripe apples", "An apple a day"]
    assert ("refresh_keywords", version().pk) not in asked


def test_reparse_and_delete_are_followed(library) -> None:
    one, two = library.document("apple"), library.document("pear")
    assert search("apple", one, two) == ["apple"]
    library.parse(one, "plum")
    both = only(one, two)
    assert search("apple", one, two) == []
    assert search("plum", one, two) == ["plum"]
    documents.delete(two)
    assert keywords.search("pear", limit=5, where=both) == []
    assert keywords.report(version()).chunks == 1


def test_a_document_is_found_by_its_new_title_and_no_more_by_the_old_one(library) -> None:
    document = library.document("apple")
    documents.label(document, title="Quarterly orchards")
    assert search("orchard", document) == ["apple"]
    documents.label(document, title="Minutes")
    assert (search("orchard", document), search("minutes", document)) == ([], ["apple"])


def test_headings_captions_and_references_are_searched_too(library) -> None:
    document = library.document(
        {
            "kind": "image",
            "text": "inner",
            "caption": "Figure 1: Harvest",
            "heading_path": ["Orchards"],
            "references": "As Figure 1 shows, yields rose.",
            "picture": "apple",
        }
    )
    for query in ("orchard", "harvest", "inner", "yield"):
        assert search(query, document, kinds=frozenset({"image"})) == ["inner"]


def test_nothing_is_found_outside_the_filter(library) -> None:
    mine, other = library.document("apple"), library.document("apple pie")
    assert search("apple", mine) == ["apple"]
    assert search("apple") == []
    assert search("apple", mine, other, pages=(2, 9)) == []


def test_an_unchanged_index_costs_one_query(library, django_assert_num_queries) -> None:
    where = only(library.document("apple"))
    keywords.search("apple", limit=5, where=where)
    with django_assert_num_queries(1):
        keywords.search("apple", limit=5, where=where)


def test_a_worker_that_was_faster_leaves_nothing_to_do(library, django_assert_num_queries) -> None:
    one = library.document("apple")
    search("apple", one)
    two = library.document("apple pie")
    keywords.refresh(version())
    where = only(one, two)
    with django_assert_num_queries(1):
        assert len(keywords.search("apple", limit=5, where=where)) == 2


def test_a_fresh_process_opens_what_is_on_disk(library, monkeypatch) -> None:
    one = library.document("apple")
    search("apple", one)
    restart()
    monkeypatch.setattr(keyword_reader, "build", None)
    assert search("apple", one) == ["apple"]


def test_the_folder_may_be_deleted_while_the_process_runs(library, settings) -> None:
    one = library.document("apple")
    assert search("apple", one) == ["apple"]
    shutil.rmtree(settings.INDEX_DIR)
    two = library.document("apple pie")
    assert search("apple", one, two) == ["apple", "apple pie"]
    assert current_name(folder_of(version()))


def test_a_large_index_that_was_deleted_answers_from_memory(
    library, asked, settings, monkeypatch
) -> None:
    one = library.document("apple")
    search("apple", one)
    refuse_small_builds(monkeypatch)
    shutil.rmtree(settings.INDEX_DIR)
    assert search("apple", one) == ["apple"]
    assert ("refresh_keywords", version().pk) in asked
    two = library.document("apple pie")
    assert search("apple", one, two) == ["apple"]
    keywords.refresh(version())
    assert search("apple", one, two) == ["apple", "apple pie"]


def test_a_large_index_is_left_to_the_workers(library, asked, monkeypatch) -> None:
    refuse_small_builds(monkeypatch)
    one = library.document("apple")
    with pytest.raises(IndexNotReady, match="being rebuilt"):
        search("apple", one)
    assert asked[-1] == ("refresh_keywords", version().pk)
    assert keywords.report(version()).condition == keywords.REBUILDING
    keywords.refresh(version())
    assert search("apple", one) == ["apple"]


def test_a_large_gap_is_left_to_the_workers(library, asked, monkeypatch) -> None:
    one = library.document("apple")
    search("apple", one)
    refuse_small_builds(monkeypatch)
    two = library.document("apple pie")
    assert search("apple", one, two) == ["apple"]
    assert ("refresh_keywords", version().pk) in asked
    assert keywords.report(version()) == keywords.Report(1, 1, keywords.BEHIND)
    assert keywords.lag(version()) == keywords.BEHIND
    keywords.refresh(version())
    assert search("apple", one, two) == ["apple", "apple pie"]
    assert keywords.report(version()) == keywords.Report(2, 0, "")
    assert keywords.lag(version()) == ""


@pytest.mark.parametrize("large", [False, True])
def test_a_damaged_index_is_rebuilt_and_never_served(library, monkeypatch, large: bool) -> None:
    one = library.document("apple")
    search("apple", one)
    restart()
    folder = folder_of(version())
    [terms] = (folder / current_name(folder)).glob("*.term")
    terms.write_bytes(terms.read_bytes()[:-1])
    if large:
        with monkeypatch.context() as patch:
            refuse_small_builds(patch)
            with pytest.raises(IndexNotReady):
                search("apple", one)
            keywords.refresh(version())
    assert search("apple", one) == ["apple"]


def test_a_foreign_index_is_not_served(library) -> None:
    one = library.document("apple")
    search("apple", one)
    restart()
    SpaceVersion.objects.filter(space="keywords").update(model="another analyzer")
    before = current_name(folder_of(version()))
    assert search("apple", one) == ["apple"]
    assert current_name(folder_of(version())) != before


def test_a_writer_that_stays_busy_does_not_hold_up_the_search(library, asked, monkeypatch) -> None:
    monkeypatch.setattr(keyword_building, "WAIT_FOR_WRITER_SECONDS", 0.1)
    one = library.document("apple")
    search("apple", one)
    two = library.document("apple pie")
    folder = folder_of(version())
    other = KeywordIndex.open(folder / current_name(folder))

    def entries():
        assert search("apple", one, two) == ["apple"]
        yield from ()

    other.replace([], entries(), revision=other.revision)
    assert ("refresh_keywords", version().pk) in asked
    with pytest.raises(TransientError), _held(other):
        keywords.refresh(version())
    assert search("apple", one, two) == ["apple", "apple pie"]


class _held:
    """Holds the index's writer for the length of a block."""

    def __init__(self, index: KeywordIndex) -> None:
        self._writer = index._writer()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._writer.rollback()
        del self._writer


def test_only_one_process_builds(library) -> None:
    library.document("apple")
    with leases.writing(version()), pytest.raises(leases.LeaseLost):
        keywords.build(version())
    keywords.build(version())


def test_a_search_waits_for_a_small_index_that_another_process_builds(library, monkeypatch) -> None:
    one = library.document("apple")

    def build_meanwhile(seconds: float) -> None:
        SpaceVersion.objects.update(writer="")
        keywords.build(version())

    SpaceVersion.objects.update(writer="another", writer_seen_at=timezone.now())
    with monkeypatch.context() as patch:
        patch.setattr(keyword_reader.time, "sleep", build_meanwhile)
        assert search("apple", one) == ["apple"]


def test_a_writer_that_died_is_cleaned_up_after(library) -> None:
    one = library.document("apple")
    left = folder_of(version()) / "0123456789ab.partial"
    left.mkdir(parents=True)
    keywords.build(version())
    assert not left.exists()
    assert search("apple", one) == ["apple"]


def test_catching_up_goes_some_documents_at_a_time(library, monkeypatch) -> None:
    one = library.document("apple")
    search("apple", one)
    monkeypatch.setattr(keyword_building, "DOCUMENTS_PER_COMMIT", 2)
    more = [library.document(f"apple {number}") for number in range(5)]
    assert len(search("apple", one, *more)) == 6
    assert keywords.report(version()) == keywords.Report(6, 0, "")


@pytest.mark.parametrize(
    "query", ["", "   ", "\x00", '"', "AND OR NOT", "a:b^2~ [x TO y]", "é" * 9999]
)
def test_no_query_is_an_error(library, query: str) -> None:
    one = library.document("apple")
    assert search(query, one) == []


@pytest.mark.django_db(transaction=True)
def test_threads_search_while_documents_are_published(library) -> None:
    found = [library.document("apple")]
    held = keyword_reader.reader_of(version()).current(version())
    where = only(*found)
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            while not done.is_set():
                assert len(held.search("apple", limit=5, where=where)) == 1
        except BaseException as exc:  # noqa: BLE001 — shown by the assertion below.
            errors.append(exc)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        found.append(library.document(f"apple {number}"))
        assert len(search("apple", *found)) == min(10, len(found))
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
