"""The dashboard, for staff: how everything is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from ingestion.errors import TransientError
from ingestion.models import Collection
from rag_site import dashboard as gathering
from rag_site import operations
from retrieval import background, keywords, spaces
from retrieval.models import SpaceVersion, SpaceVersionState
from retrieval.staff import staff_only


@require_safe
@staff_only
def dashboard(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    collections = Collection.objects.editable_by(user).order_by("name")
    context = {
        "now": gathering.gather(user),
        "collections": collections,
        "kinds": [(name, kind) for name, kind in operations.KINDS.items() if kind.verb],
    }
    return render(request, "rag_site/dashboard.html", context)


@require_safe
@staff_only
def live(request: HttpRequest) -> HttpResponse:
    """The part that changes."""
    return render(request, "rag_site/_dashboard.html", {"now": gathering.gather(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def operate(request: HttpRequest, kind: str) -> HttpResponse:
    """Ask first (GET), then have a worker do it (POST)."""
    if kind not in operations.KINDS:
        raise Http404
    chosen = _collection(request)
    number = chosen.pk if chosen else None
    if request.method != "POST":
        what = operations.KINDS[kind]
        count = operations.affected(kind, request.user, collection=number).count()
        where = f"in “{chosen}”" if chosen else "in all collections that you may edit"
        subject = f"{count} document{'' if count == 1 else 's'} {where}." if what.verb else ""
        return _ask(request, what.title, f"{subject} {what.sentence}", is_grave=what.is_grave)
    try:
        operation = operations.begin(kind, request.user, collection=number)
        messages.success(request, f"“{operation.title}” was handed to the workers.")
    except TransientError as exc:
        messages.error(request, str(exc))
    return redirect("dashboard")


def _collection(request: HttpRequest) -> Collection | None:
    given = request.POST.get("collection") or request.GET.get("collection") or ""
    if not given:
        return None
    if not given.isdecimal():
        raise Http404
    return get_object_or_404(Collection.objects.editable_by(request.user), pk=int(given))


# --- spaces --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpaceVerb:
    title: str
    sentence: str
    do: Callable[[SpaceVersion], str]
    states: tuple[str, ...] = (SpaceVersionState.LIVE,)
    # What is said before the sentence, of how it is now.
    opening: Callable[[SpaceVersion], str] = lambda version: ""


def _rebuild(version: SpaceVersion) -> str:
    background.request("rebuild_index", version.pk)
    return f"The workers rebuild the index of {version}."


def _begin(version: SpaceVersion) -> str:
    return f"{spaces.begin_version(version.space)} is being built."


def _prepare(version: SpaceVersion) -> str:
    begun = spaces.begin_version(version.space, waits=True)
    return f"{begun} is being built, and waits to be compared."


def _activate(version: SpaceVersion) -> str:
    spaces.switch_to(version)
    return f"{version} is searched now."


def _whither(version: SpaceVersion) -> str:
    return f"Searches go back to {spaces.version_before(version)}, at once. "


def _roll_back(version: SpaceVersion) -> str:
    return f"{spaces.roll_back(version.space)} is searched again."


SPACE_VERBS = {
    "rebuild": SpaceVerb(
        "Rebuild the index",
        "It is built anew from the vectors in the database. Searches go on meanwhile.",
        _rebuild,
    ),
    "begin": SpaceVerb(
        "Begin a new version",
        "Every passage is embedded anew with the model of the settings, beside the version that "
        "is searched now. When it is full, searches switch to it in one step.",
        _begin,
    ),
    "prepare": SpaceVerb(
        "Prepare a switch",
        "Every passage is embedded anew with the model of the settings, beside the version that "
        "is searched now. When it is full it waits: compare both on a question set, then switch.",
        _prepare,
    ),
    "activate": SpaceVerb(
        "Search this version",
        "Searches switch to it at once. Vectors that it lacks are made afterwards; until then "
        "what lacks one is not found in this space.",
        _activate,
        spaces.SWITCHABLE,
    ),
    "roll-back": SpaceVerb(
        "Roll back",
        "It was searched before this one. What was added since is embedded for it afterwards.",
        _roll_back,
        opening=_whither,
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def space(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Ask first (GET), then do it (POST)."""
    wanted = SPACE_VERBS.get(verb)
    version = get_object_or_404(SpaceVersion, pk=pk)
    if wanted is None or (version.space == keywords.SPACE and verb != "rebuild"):
        raise Http404
    if version.state not in wanted.states:
        messages.error(request, f"{version} is {version.state} by now: nothing was done.")
        return redirect("dashboard")
    try:
        if request.method != "POST":
            sentence = wanted.opening(version) + wanted.sentence
            return _ask(request, f"{wanted.title}: {version}", sentence)
        messages.success(request, wanted.do(version))
    except (ValueError, LookupError) as exc:
        messages.error(request, f"{exc}.")
    return redirect("dashboard")


def _ask(
    request: HttpRequest, title: str, sentence: str, *, is_grave: bool = False
) -> HttpResponse:
    is_part = bool(request.headers.get("HX-Request"))
    template = "rag_site/_confirm.html" if is_part else "rag_site/confirm.html"
    chosen = request.GET.get("collection", "")
    context = {"title": title, "sentence": sentence, "is_grave": is_grave, "collection": chosen}
    return render(request, template, context)
