import io
import json
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from ingestion.errors import PermanentError, TransientError
from ingestion.models import Chunk, Document, Page
from retrieval import evaluation, questions, space_reader, spaces, tasks, vectors
from retrieval.candidates import IndexNotReady
from retrieval.evaluation import NoQuestions
from retrieval.models import EvaluationRun, Question, QuestionSet, SearchProfile, SpaceVersion
from retrieval.questions import BadQuestions
from retrieval.space_reader import SpaceReader
from tests.retrieval.test_search import figure

ONLY_WORDS = {"sources": [{"space": "keywords"}], "final": None}


@pytest.fixture
def fruits(library):
    document = library.document("apple apple", "pear", figure("a drawing", "cherry"), "plum")
    Document.objects.filter(pk=document.pk).update(filename="fruits.pdf", page_count=4)
    for order, number in ((1, 2), (2, 3), (3, 4)):
        page = Page.objects.create(document=document, number=number)
        Chunk.objects.filter(document=document, order=order).update(page=page, page_number=number)
    Chunk.objects.filter(text="plum").update(box=[5, 5, 9, 9])
    document.refresh_from_db()
    return document


@pytest.fixture
def question_set(fruits):
    found = QuestionSet.objects.create(name="fruits")
    for text, pages, kind in (("apple", [1], "text"), ("cherry", [3], "figure"), ("pear", [2], "")):
        questions.add(found, text=text, document=fruits, pages=pages, kind=kind)
    return found


def proceeded(question_set, *chosen, **fields):
    run = evaluation.begin(question_set, chosen, **fields)
    assert evaluation.proceed(run)
    return EvaluationRun.objects.get(pk=run.pk)


def test_a_run_reports_by_level_kind_and_source(question_set):
    report = proceeded(question_set, None).report
    side = report["sides"][0]
    assert report["questions"] == 3
    assert side["levels"]["page"]["recall@1"]["mean"] == 1
    assert side["levels"]["chunk"]["rr"]["mean"] == 1
    assert side["kinds"].keys() == {"text", "figure"}
    assert side["sources"]["keywords"]["in_ten"] == pytest.approx(2 / 3)
    assert side["sources"]["image"]["in_ten"] >= 1 / 3
    assert side["latency_ms"]["p95"] > 0
    assert side["misses"] == []


def test_two_profiles_are_compared_and_misses_name_what_failed(question_set):
    words = SearchProfile.objects.create(name="words", request=ONLY_WORDS)
    report = proceeded(question_set, words, None).report
    assert [side["name"] for side in report["sides"]] == ["words", ""]
    miss = report["sides"][0]["misses"][0]
    assert (miss["question"], miss["rank"], miss["failed"]) == ("cherry", None, ["keywords"])
    assert report["comparison"]["recall@1"]["difference"] == pytest.approx(1 / 3)
    assert report["comparison"]["recall@1"]["better"] == 1


def test_a_run_goes_on_where_it_stopped(question_set, asked, monkeypatch):
    run = evaluation.begin(question_set, [None])
    assert not evaluation.proceed(run, until=0)
    asked_for = []
    real = evaluation.ask

    def ask(question, *rest):
        asked_for.append(question)
        return real(question, *rest)

    monkeypatch.setattr(evaluation, "ask", ask)
    run.rows = [
        real(run.question_set.questions.first(), [], evaluation.CandidateFilter(frozenset()))
    ]
    run.rows[0]["sides"] = [{"page": [], "chunk": [], "seconds": 0, "lists": {}}]
    run.save()
    tasks.run_evaluation(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, len(asked_for)) == ("done", 3, 2)


def test_a_run_that_was_lost_is_asked_for_again(question_set, asked):
    queued = evaluation.begin(question_set, [None])
    killed = evaluation.begin(question_set, [None])
    long_ago = timezone.now() - timedelta(minutes=5)
    EvaluationRun.objects.filter(pk=killed.pk).update(state="running", seen_at=long_ago)
    busy, over = evaluation.begin(question_set, [None]), evaluation.begin(question_set, [None])
    EvaluationRun.objects.filter(pk=busy.pk).update(state="running", seen_at=timezone.now())
    evaluation.fail(over, "It could not go on.")
    tasks.tend_indexes()
    requested = [args for task, *args in asked if task == "run_evaluation"]
    assert sorted(requested) == [[queued.pk], [killed.pk]]
    tasks.run_evaluation(killed.pk)
    killed.refresh_from_db()
    assert (killed.state, killed.seen_at) == ("done", None)


@pytest.mark.django_db(transaction=True)
def test_a_run_waits_for_an_index_that_takes_long_to_read(question_set, monkeypatch):
    monkeypatch.setattr(space_reader, "LOAD_AT_ONCE", 0)
    monkeypatch.setattr(space_reader, "WAIT_SECONDS", 0)
    waited, real, wait = threading.Event(), vectors.stream, SpaceReader.wait_for_loader

    def slow(version):
        waited.wait(10)
        yield from real(version)

    def go_on(reader):
        waited.set()
        wait(reader)

    monkeypatch.setattr(vectors, "stream", slow)
    monkeypatch.setattr(SpaceReader, "wait_for_loader", go_on)
    rows = proceeded(question_set, None).rows
    assert all("text" in row["sides"][0]["lists"] for row in rows)


def test_a_run_goes_on_later_where_an_index_cannot_be_read(question_set, monkeypatch):
    run = evaluation.begin(question_set, [None])

    def not_ready(reader, version):
        raise IndexNotReady("Try again.")

    with monkeypatch.context() as patch:
        patch.setattr(SpaceReader, "current", not_ready)
        with pytest.raises(TransientError, match="index cannot be searched: Try again"):
            evaluation.proceed(run)
    run.refresh_from_db()
    assert (run.state, run.seen_at, run.rows) == ("queued", None, [])
    assert evaluation.proceed(run)


def test_a_run_is_not_made_twice_at_once(question_set, asked, monkeypatch):
    run = evaluation.begin(question_set, [None])
    real, asked_for = evaluation.ask, []

    def ask(question, *rest):
        asked_for.append(question)
        tasks.run_evaluation(run.pk)  # As by another worker.
        return real(question, *rest)

    monkeypatch.setattr(evaluation, "ask", ask)
    tasks.run_evaluation(run.pk)
    tasks.run_evaluation(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, len(asked_for)) == ("done", 3, 3)


def test_a_profile_that_no_longer_fits_fails_the_run_with_a_sentence(question_set):
    profile = SearchProfile.objects.create(name="x", request={"sources": [{"space": "sound"}]})
    run = evaluation.begin(question_set, [profile])
    tasks.run_evaluation(run.pk)
    run.refresh_from_db()
    assert (run.state, "no space 'sound'" in run.error) == ("failed", True)


def test_boxes_choose_the_chunks_of_a_page(fruits):
    found = QuestionSet.objects.create(name="boxes")
    near = questions.add(found, text="?", document=fruits, pages=[4], boxes=[[4, 5, 5, 9, 9]])
    far = questions.add(found, text="??", document=fruits, pages=[4], boxes=[[4, 20, 20, 30, 30]])
    assert len(evaluation.gold_chunks(near)) == 1
    assert evaluation.gold_chunks(far) == set()


def test_questions_from_json_lines(fruits):
    found = QuestionSet.objects.create(name="file")
    lines = [
        {"question": "apple?", "document": "fruits.pdf", "pages": [1]},
        {"question": "b", "doc": "FRUITS", "gold_pages": [2], "evidence_type": "['Chart']"},
        {"query": "c", "document": str(fruits.uuid), "pages": [3], "boxes": [[3, 0, 0, 1, 1]]},
        {
            "question": "d",
            "doc": "fruits",
            "gold_pages": [4],
            "gold_boxes": [{"page": 4, "bbox": [1, 2, 3, 4]}],
        },
        {"question": "e", "document": "other.pdf", "pages": [1]},
        {"question": "f", "document": "fruits.pdf", "pages": []},
        {"question": "g", "document": "fruits.pdf", "pages": [99]},
        {"question": "apple?", "document": "fruits.pdf", "pages": [1, 2]},
    ]
    text = [json.dumps(line) for line in lines]
    came = questions.import_lines(found, text, documents=Document.objects.all())
    assert came.taken == 5
    assert [line.split(":")[0] for line in came.left_out] == ["Line 5", "Line 6", "Line 7"]
    first, second, third, fourth = Question.objects.filter(question_set=found)
    assert (first.pages, second.kind) == ([1, 2], "Chart")
    assert (third.boxes, fourth.boxes) == ([[3, 0, 0, 1, 1]], [[4, 1, 2, 3, 4]])


@pytest.mark.parametrize("line", ["not json", "[1]", '{"answer": "x"}'])
def test_what_is_no_question_file_is_refused_and_adds_nothing(fruits, line):
    found = QuestionSet.objects.create(name="file")
    good = json.dumps({"question": "a", "document": "fruits.pdf", "pages": [1]})
    with pytest.raises(BadQuestions, match="Line 2"):
        questions.import_lines(found, [good, line], documents=Document.objects.all())
    assert not found.questions.exists()


def test_a_set_without_questions_is_neither_kept_nor_measured(fruits):
    line = json.dumps({"question": "a", "document": "lost.pdf", "pages": [1]})
    for lines, message in (([line], "Line 1: there is no document"), ([""], "no question to add")):
        with pytest.raises(BadQuestions, match=message):
            questions.import_set("file", lines, documents=Document.objects.all())
    with pytest.raises(BadQuestions, match="not JSON"):
        questions.import_set("file", ["not json"], documents=Document.objects.all())
    assert not QuestionSet.objects.exists()
    with pytest.raises(NoQuestions, match="The set bare has no question"):
        evaluation.begin(QuestionSet.objects.create(name="bare"), [None])
    assert not EvaluationRun.objects.exists()


def test_a_run_whose_questions_went_with_their_document_fails(question_set):
    run = evaluation.begin(question_set, [None])
    question_set.questions.all().delete()
    tasks.run_evaluation(run.pk)
    run.refresh_from_db()
    assert (run.state, "has no question" in run.error) == ("failed", True)


def test_a_run_ends_when_its_set_is_deleted(question_set, asked, monkeypatch):
    run = evaluation.begin(question_set, [None])
    ask = evaluation.ask

    def ask_and_delete(*given):
        row = ask(*given)
        QuestionSet.objects.all().delete()
        return row

    monkeypatch.setattr(evaluation, "ask", ask_and_delete)
    tasks.run_evaluation(run.pk)
    assert not EvaluationRun.objects.exists()
    assert asked == []


def test_the_command(question_set, tmp_path):
    SearchProfile.objects.create(name="words", request=ONLY_WORDS)

    def run(*arguments):
        out = io.StringIO()
        call_command("evaluate", *arguments, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    text = run("fruits", "--profile", "words", "--against", "settings")
    assert "recall@1     0.667" in text
    assert "recall@1     +0.333" in text
    file = tmp_path / "q.jsonl"
    file.write_text(json.dumps({"question": "plum", "document": "fruits.pdf", "pages": [4]}))
    report = json.loads(run("more", "--import", str(file), "--within", "document", "--json"))
    assert report["sides"][0]["levels"]["page"]["recall@1"]["mean"] == 1
    SearchProfile.objects.create(name="bad", request={"sources": [{"space": "sound"}]})
    with pytest.raises(CommandError, match="no space 'sound'"):
        run("fruits", "--profile", "bad")
    assert EvaluationRun.objects.first().state == "failed"
    with pytest.raises(CommandError, match="no set nothing; there is fruits, more"):
        run("nothing")
    with pytest.raises(CommandError, match="no profile x; there is settings, bad, words"):
        run("fruits", "--profile", "x")
    file.write_text(json.dumps({"question": "plum", "document": "lost.pdf", "pages": [4]}))
    with pytest.raises(CommandError, match=r"no document 'lost\.pdf'"):
        run("lost", "--import", str(file))


def test_a_version_that_waits_is_compared_with_the_live_one(question_set, settings):
    settings.SPACES["text"]["model"] = "fruit-2"
    version = spaces.begin_version("text", waits=True)
    assert spaces.build_version(version)
    # As if the new model had taken every passage for the same: it finds nothing by meaning.
    row = version.embeddings.first()
    version.embeddings.update(vector=row.vector)
    run = evaluation.begin_comparison(question_set, SpaceVersion.objects.get(pk=version.pk))
    assert evaluation.proceed(run)
    first, second = run.report["sides"]
    assert (first["name"], second["name"]) == ("text v1 (fruit-1)", "text v2 (fruit-2)")
    assert first["sources"]["text"]["in_ten"] == second["sources"]["text"]["in_ten"] == 1
    ranks = [[side["lists"]["text"] for side in row["sides"]] for row in run.rows]
    assert any(before != after for before, after in ranks)
    assert run.report["comparison"]


def test_a_version_that_was_given_up_meanwhile_is_not_compared(question_set, settings):
    settings.SPACES["text"]["model"] = "fruit-2"
    version = spaces.begin_version("text", waits=True)
    spaces.build_version(version)
    run = evaluation.begin_comparison(question_set, version)
    SpaceVersion.objects.filter(pk=version.pk).update(state="discarded")
    with pytest.raises(PermanentError, match="compare again"):
        evaluation.proceed(run)
