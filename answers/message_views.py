"""One message of a conversation: another answer, another question, which version is shown."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from answers import answering, conversations, threads, turns
from answers.forms import EditForm
from answers.models import Message
from answers.requests import HtmxRequest
from ingestion.errors import PermanentError, TransientError


@require_POST
@login_required
def retry(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Answer the question of this answer once more."""
    answer = _answer(request, uuid)
    assert answer.question is not None, "an answer belongs to a question"
    try:
        again = answering.answer_again(answer.question)
    except TransientError as exc:
        return _not_done(request, answer.question, str(exc), status=503)
    return turn(request, again)


@require_POST
@login_required
def edit(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Ask an edited question instead of this one."""
    question = get_object_or_404(conversations.questions_visible_to(request.user), uuid=uuid)
    form = EditForm(request.POST)
    if not form.is_valid():
        return _not_done(request, question, str(form.errors["question"][0]), status=422)
    try:
        answer = answering.ask_instead(question, form.cleaned_data["question"])
    except (PermanentError, TransientError) as exc:
        return _not_done(request, question, str(exc), status=503)
    return turn(request, answer)


@require_POST
@login_required
def show(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Show the branch of the conversation that goes through this message."""
    messages = conversations.messages_visible_to(request.user)
    message = get_object_or_404(messages, uuid=uuid)
    threads.show(message)
    if request.htmx:
        message.conversation.refresh_from_db()
        shown = turns.of_conversation(message.conversation, request.user)
        return render(request, "answers/_turns.html", {"turns": shown})
    return redirect(turns.place_of(message.question or message))


@require_POST
@login_required
def stop(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Stop the answer; what was said is kept."""
    answer = _answer(request, uuid)
    try:
        answering.stop(answer)
    except TransientError as exc:
        return _not_done(request, answer.question or answer, str(exc), status=503)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("answers:conversation", answer.conversation.uuid)


def turn(request: HtmxRequest, answer: Message) -> HttpResponse:
    """Show the turn that has just begun: only that for a script, the whole page otherwise."""
    begun = turns.begun(answer, request.user)
    if request.htmx:
        return render(request, "answers/_turn.html", {"turn": begun}, status=201)
    return redirect(turns.place_of(begun.question))


def _not_done(request: HtmxRequest, message: Message, error: str, *, status: int) -> HttpResponse:
    if request.htmx:
        return HttpResponse(error, status=status, content_type="text/plain; charset=utf-8")
    return redirect(turns.place_of(message))


def _answer(request: HtmxRequest, uuid: UUID) -> Message:
    return get_object_or_404(conversations.answers_visible_to(request.user), uuid=uuid)
