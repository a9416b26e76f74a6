"""The lab, for staff: compare profiles on a query, and measure them on question sets."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ingestion.errors import PermanentError
from ingestion.models import Chunk, Document
from retrieval import background, charts, evaluation, lab, questions, scope
from retrieval.forms import LabForm, QuestionFileForm, QuestionsForm, RunForm
from retrieval.models import EvaluationRun, EvaluationState, QuestionSet, SpaceVersion
from retrieval.projection import has_umap
from retrieval.request import Query
from retrieval.staff import staff_only

SHOWN_MEASURES = ("recall@1", "recall@3", "recall@5", "recall@10", "precision@5", "rr", "ndcg@10")
RUNS_SHOWN = 30


class StaffRequest(HttpRequest):
    user: Any


@require_safe
@staff_only
def compare(request: HttpRequest) -> HttpResponse:
    """Show one query under two profiles side by side."""
    form = LabForm(request.GET.dict())
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        context |= _compared(form, request.user)
    is_part = request.headers.get("HX-Request") and not request.headers.get("HX-Boosted")
    template = "retrieval/_sides.html" if is_part else "retrieval/lab.html"
    return render(request, template, context)


def _compared(form: LabForm, user: Any) -> dict[str, Any]:
    wanted = form.cleaned_data
    readable = Chunk.objects.live().filter(document__in=Document.objects.visible_to(user))
    like = readable.filter(pk=wanted["like"]).first() if wanted["like"] else None
    query = Query(wanted["q"], like=like.pk if like else None)
    if query.is_empty:
        return {}
    sides = lab.side_by_side(
        query,
        (wanted["a"], wanted["b"]),
        scope.allowed(user),
        alpha=form.alpha_or_none,
        between=(wanted["first"], wanted["second"]),
    )
    return {"sides": sides, "like": like}


@require_safe
@staff_only
def evaluations(request: HttpRequest) -> HttpResponse:
    """List question sets and runs, with the forms to add to them."""
    return render(request, "retrieval/evaluations.html", _lists())


def _lists() -> dict[str, Any]:
    return {
        "sets": QuestionSet.objects.prefetch_related("questions"),
        "runs": EvaluationRun.objects.select_related("question_set").defer("rows", "report")[
            :RUNS_SHOWN
        ],
        "file_form": QuestionFileForm(),
        "run_form": RunForm(),
    }


@require_POST
@staff_only
def upload(request: StaffRequest) -> HttpResponse:
    """Add the questions of a file to a set."""
    form = QuestionFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "retrieval/evaluations.html", {**_lists(), "file_form": form})
    try:
        chosen, came = questions.import_set(
            form.cleaned_data["name"],
            form.lines(),
            documents=Document.objects.visible_to(request.user).searchable(),
            created_by=request.user,
        )
    except (PermanentError, ValidationError) as exc:
        form.add_error("file", exc.messages if isinstance(exc, ValidationError) else str(exc))
        return render(request, "retrieval/evaluations.html", {**_lists(), "file_form": form})
    messages.success(request, f"{came.taken} questions are in {chosen}.")
    if came.left_out:
        few = " ".join(came.left_out[: questions.FEW])
        messages.warning(request, f"{len(came.left_out)} lines were left out. {few}")
    return redirect("lab:evaluations")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def delete_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first (GET), then delete (POST)."""
    found = get_object_or_404(QuestionSet, pk=pk)
    if request.method == "POST":
        found.delete()
        messages.success(request, f"The question set {found} was deleted.")
        return redirect("lab:evaluations")
    is_part = bool(request.headers.get("HX-Request"))
    template = "retrieval/_delete_set.html" if is_part else "retrieval/delete_set.html"
    return render(request, template, {"set": found})


@require_POST
@staff_only
def begin(request: StaffRequest) -> HttpResponse:
    """Begin a run; the workers make it."""
    form = RunForm(request.POST)
    if not form.is_valid():
        return render(request, "retrieval/evaluations.html", {**_lists(), "run_form": form})
    wanted = form.cleaned_data
    chosen = [wanted["a"], *([wanted["b"]] if wanted["compare"] else [])]
    run = evaluation.begin(
        wanted["question_set"], chosen, scope=wanted["scope"], created_by=request.user
    )
    background.request("run_evaluation", run.pk)
    return redirect("lab:run", run.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def compare_version(request: StaffRequest, pk: int) -> HttpResponse:
    """Measure a version that may be switched to against the live one, on a question set."""
    version = get_object_or_404(SpaceVersion.objects.with_vectors(), pk=pk)
    if not version.is_to_be_compared:
        messages.error(request, f"{version} does not wait to be compared.")
        return redirect("lab:evaluations")
    form = QuestionsForm(request.POST or None)
    if not form.is_valid():
        context = {
            "version": version,
            "live": SpaceVersion.objects.live().get(space=version.space),
            "form": form,
            "sets": QuestionSet.objects.exists(),
        }
        return render(request, "retrieval/compare_version.html", context)
    wanted = form.cleaned_data
    run = evaluation.begin_comparison(
        wanted["question_set"], version, scope=wanted["scope"], created_by=request.user
    )
    background.request("run_evaluation", run.pk)
    return redirect("lab:run", run.pk)


@require_safe
@staff_only
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a run's progress, then its report."""
    found = get_object_or_404(EvaluationRun.objects.defer("rows"), pk=pk)
    is_part = bool(request.headers.get("HX-Request"))
    context = {
        "run": found,
        "is_over": found.state in (EvaluationState.DONE, EvaluationState.FAILED),
        "measures": SHOWN_MEASURES,
    }
    return render(request, "retrieval/_run.html" if is_part else "retrieval/run.html", context)


@require_safe
@staff_only
def spaces(request: HttpRequest) -> HttpResponse:
    """Draw one space: similarities of matching and random pairs, and a map of its vectors.

    That takes a while, so the page comes without, and then fetches the drawings one by one.
    """
    sets = QuestionSet.objects.all()
    wanted, draw = request.GET.get("set", ""), request.GET.get("draw", "")
    chosen = sets.filter(pk=wanted).first() if wanted.isdecimal() else None
    chosen = chosen or sets.first()
    context = {
        "sets": sets,
        "chosen": chosen,
        "draw": draw,
        "has_umap": has_umap(),
        "drawings": charts.drawings(chosen, scope.allowed(request.user).document_ids, only=draw),
    }
    return render(request, "retrieval/spaces.html", context)
