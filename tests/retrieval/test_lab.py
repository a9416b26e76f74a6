import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ingestion.models import Chunk
from retrieval import evaluation, spaces, tasks
from retrieval.models import EvaluationRun, Question, QuestionSet, SearchProfile
from tests.retrieval.test_evaluation import ONLY_WORDS, fruits, question_set  # noqa: F401
from tests.retrieval.test_search import figure


@pytest.fixture
def staff(client, library):
    owner = library.collection.owner
    owner.is_staff = True
    owner.save()
    client.force_login(owner)
    return client


def page(client, name, *args, **query):
    answer = client.get(reverse(f"lab:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", ["compare", "evaluations", "spaces"])
def test_the_lab_is_for_staff(client, django_user_model, name):
    path = reverse(f"lab:{name}")
    assert client.get(path).url.startswith("/login/")
    client.force_login(django_user_model.objects.create_user("somebody"))
    assert client.get(path).status_code == 403


def test_two_profiles_side_by_side(staff, library):
    library.document("apple apple", "pear apple", figure("A plum", "apple"))
    words = SearchProfile.objects.create(name="words", request=ONLY_WORDS)
    shown = page(staff, "compare", q="apple", b=words.pk)
    left, right = shown.split('id="side-2"')
    assert "Settings" in left
    assert '<th scope="col">image</th>' in left
    assert '<th scope="col">image</th>' not in right
    assert right.count('class="hit"') == 2
    assert "/crop" in left or "<img" in left
    assert "encode" in left
    assert "fused" in right


def test_alpha_sweeps_the_right_side(staff, library):
    library.document("apple pear pear", figure("pear", "apple"))
    sources = [{"space": "keywords"}, {"space": "image"}]
    two = SearchProfile.objects.create(name="two", request={"sources": sources})

    def best(alpha):
        query = {"q": "apple", "sweep": "on", "alpha": alpha, "first": "keywords", "b": two.pk}
        shown = page(staff, "compare", **query, second="image").split('id="side-2"')[1]
        assert f"alpha {alpha} of keywords against image" in shown
        return shown.split('class="hit-text small">')[1].split("<")[0]

    assert best("1") == "apple pear pear"
    assert best("0") == "pear"


def test_htmx_gets_the_sides_alone(staff, library):
    library.document("apple")
    answer = staff.get(reverse("lab:compare"), {"q": "apple"}, headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert b'class="sides"' in answer.content


def test_more_like_this(staff, library):
    library.document(figure("one", "plum"), figure("two", "plum"))
    chosen = Chunk.objects.get(caption="one")
    shown = page(staff, "compare", like=chosen.pk)
    assert "More like" in shown
    assert 'class="hit-text small">two' in shown


def test_more_like_this_keeps_what_else_was_chosen(staff, library):
    library.document(figure("one", "plum"), figure("two", "plum"))
    words = SearchProfile.objects.create(name="words", request=ONLY_WORDS)
    chosen = Chunk.objects.get(caption="one")
    shown = page(staff, "compare", q="one", b=words.pk, sweep="on", alpha="0.2")
    assert f'href="?b={words.pk}&amp;sweep=on&amp;alpha=0.2&amp;like={chosen.pk}"' in shown
    shown = page(staff, "compare", b=words.pk, like=chosen.pk)
    assert f'<option value="{words.pk}" selected>' in shown
    assert f'href="/lab/?b={words.pk}">Begin anew' in shown


def test_what_cannot_be_run_is_said(staff, library):
    library.document("apple")
    bad = SearchProfile.objects.create(name="bad", request={"sources": [{"space": "sound"}]})
    assert "no space &#x27;sound&#x27; here" in page(staff, "compare", q="apple", b=bad.pk)
    shown = page(staff, "compare", q="a", sweep="on", alpha="0.5", first="text", second="nothing")
    assert "not one of the available choices" in shown


def test_questions_are_uploaded_measured_and_reported(staff, fruits, asked):  # noqa: F811
    lines = [
        {"question": "apple", "document": "fruits.pdf", "pages": [1], "kind": "text"},
        {"question": "cherry", "document": "fruits.pdf", "pages": [3], "kind": "figure"},
        {"question": "x", "document": "other.pdf", "pages": [3]},
    ]
    data = "\n".join(map(json.dumps, lines)).encode()
    file = SimpleUploadedFile("q.jsonl", data)
    answer = staff.post(reverse("lab:upload"), {"name": "mine", "file": file}, follow=True)
    assert "2 questions are in mine." in answer.content.decode()
    assert "1 lines were left out. Line 3" in answer.content.decode()
    assert Question.objects.count() == 2
    words = SearchProfile.objects.create(name="words", request=ONLY_WORDS)
    wanted = {
        "question_set": QuestionSet.objects.get().pk,
        "a": words.pk,
        "compare": "on",
        "b": "",
        "scope": "set",
    }
    begun = staff.post(reverse("lab:begin"), wanted)
    run = EvaluationRun.objects.get()
    assert begun.url == reverse("lab:run", args=[run.pk])
    assert ("run_evaluation", run.pk) in asked
    assert "0 of 2 questions" in page(staff, "run", run.pk)
    tasks.run_evaluation(run.pk)
    shown = page(staff, "run", run.pk)
    assert "Second minus first" in shown
    assert "keywords failed" in shown
    assert "+0.500" in shown


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"nonsense", "Line 1 is not JSON"),
        (b'{"question": "a", "document": "lost.pdf", "pages": [1]}', "no document"),
    ],
)
def test_a_file_that_is_none_is_refused(staff, library, data, message):
    file = SimpleUploadedFile("q.jsonl", data)
    answer = staff.post(reverse("lab:upload"), {"name": "mine", "file": file})
    assert message in answer.content.decode()
    assert not QuestionSet.objects.exists()


def test_nothing_is_measured_without_a_question(staff, library):
    bare = QuestionSet.objects.create(name="bare")
    answer = staff.post(reverse("lab:begin"), {"question_set": bare.pk, "scope": "set"})
    assert "The set bare has no question" in answer.content.decode()
    assert not EvaluationRun.objects.exists()


def test_a_question_set_is_deleted_when_that_is_confirmed(staff, question_set):  # noqa: F811
    evaluation.begin(question_set, [None])
    path = reverse("lab:delete-set", args=[question_set.pk])
    assert path in page(staff, "evaluations")
    asked = staff.get(path).content.decode()
    assert "goes with 3 questions and the reports of 1 run." in asked
    assert QuestionSet.objects.exists()
    assert "was deleted" in staff.post(path, follow=True).content.decode()
    assert not QuestionSet.objects.exists()
    assert not EvaluationRun.objects.exists()


def test_each_space_is_drawn(staff, question_set):  # noqa: F811
    shown = page(staff, "spaces", draw="text")
    text, image = shown.split('id="drawing-image"')
    assert 'class="bar-matching"' in text
    assert 'class="bar-random"' in text
    assert text.count('class="dot-text"') == 3
    assert text.count("</title></circle>") == text.count('<circle class="dot-')
    assert ", page 1</title></circle>" in text
    assert "by PCA" in text or "by UMAP" in text
    # The page itself comes at once, and fetches them one by one.
    assert 'href="?draw=image&amp;set=' in image
    assert 'hx-sync="closest .lab:queue all"' in image
    assert 'class="dot-' not in image
    assert 'class="dot-' not in page(staff, "spaces")


def test_pages_carry_no_inline_script_or_style(staff, library):
    library.document("apple")
    for name, query in (("compare", {"q": "apple"}), ("evaluations", {}), ("spaces", {})):
        shown = page(staff, name, **query)
        assert "style=" not in shown
        assert "<script>" not in shown


def test_a_version_is_compared_before_the_switch(staff, question_set, settings, asked):  # noqa: F811
    settings.SPACES["text"]["model"] = "fruit-2"
    version = spaces.begin_version("text", waits=True)
    path = reverse("lab:compare-version", args=[version.pk])
    assert "does not wait" in staff.get(path, follow=True).content.decode()
    spaces.build_version(version)
    shown = staff.get(path).content.decode()
    assert "v1 against v2" in shown
    asked.clear()
    answer = staff.post(path, {"question_set": question_set.pk, "scope": "set"})
    run = EvaluationRun.objects.get()
    assert asked == [("run_evaluation", run.pk)]
    assert answer.url == reverse("lab:run", args=[run.pk])
    tasks.run_evaluation(run.pk)
    assert "text v2 (fruit-2)" in page(staff, "run", run.pk)
