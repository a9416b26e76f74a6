"""What is done to several documents of the list at once."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from ingestion import bulk, labels
from ingestion.bulk import Verb
from ingestion.forms import BulkForm
from ingestion.views import HtmxRequest

PROBLEMS_SHOWN = 3


@require_POST
@login_required
def apply(request: HtmxRequest) -> HttpResponse:
    """Do it; a deletion is asked about first."""
    form = BulkForm(request.POST, user=request.user)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return _back(request)
    wanted = form.cleaned_data
    found = list(bulk.chosen(request.user, wanted["document"]))
    verb = Verb(wanted["do"])
    if verb == Verb.DELETE and not wanted["is_confirmed"]:
        context = {"documents": found, "back": _address(request)}
        return render(request, "ingestion/bulk_delete.html", context)
    try:
        outcome = bulk.apply(found, verb, tags=wanted["tags"], target=wanted["target"])
    except labels.Invalid as refused:
        messages.error(request, str(refused))
        return _back(request)
    _tell(request, verb, outcome)
    return _back(request)


def _tell(request: HtmxRequest, verb: Verb, outcome: bulk.Outcome) -> None:
    if outcome.done:
        were = "document was" if outcome.done == 1 else "documents were"
        messages.success(request, f"{outcome.done} {were} {verb.label}.")
    for problem in outcome.problems[:PROBLEMS_SHOWN]:
        messages.warning(request, problem)
    if len(outcome.problems) > PROBLEMS_SHOWN:
        messages.warning(request, f"{len(outcome.problems) - PROBLEMS_SHOWN} more likewise.")
    if not outcome.done and not outcome.problems:
        messages.error(request, "None of these documents is there any more, or yours to change.")


def _back(request: HtmxRequest) -> HttpResponse:
    return redirect(_address(request))


def _address(request: HtmxRequest) -> str:
    """The list as it was shown, where that is an address of this site."""
    wanted = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else reverse("ingestion:documents")
