"""Thumbs up and down below an answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from answers import conversations, feedback, turns
from answers.forms import FeedbackForm
from answers.models import Message
from answers.requests import HtmxRequest
from ingestion.errors import PermanentError


@require_POST
@login_required
def give(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Note what the person thinks of an answer; the same verdict alone again takes it back."""
    answer = get_object_or_404(conversations.answers_visible_to(request.user), uuid=uuid)
    form = FeedbackForm(request.POST)
    error = ""
    if form.is_valid():
        error = _note(request, form, answer)
    else:
        error = "This could not be noted. Reload the page."
    if not request.htmx:
        return redirect(turns.place_of(answer.question or answer))
    context = {
        "answer": turns.of_message(answer, request.user),
        "asks_why": not error and not form.cleaned_data["is_final"],
        "feedback_error": error,
    }
    return render(request, "answers/_feedback.html", context)


def _note(request: HtmxRequest, form: FeedbackForm, answer: Message) -> str:
    said = dict(form.cleaned_data)
    is_final = said.pop("is_final")
    before = feedback.of(answer, request.user)
    if before and before.verdict == said["verdict"] and not is_final:
        feedback.withdraw(answer, request.user)
        return ""
    try:
        feedback.give(answer, request.user, **said)
    except PermanentError as exc:
        return str(exc)
    return ""
