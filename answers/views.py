"""The chat: ask, follow the answer, stop it; list, rename and delete conversations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import aget_object_or_404, get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget, trigger_client_event
from django_htmx.middleware import HtmxDetails

from answers import answering, chat_page, conversations, scope, sse, turns
from answers.forms import QuestionForm, TitleForm
from answers.models import Conversation, Message
from ingestion.errors import PermanentError, TransientError


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails
    user: Any
    auser: Callable[[], Awaitable[Any]]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def chat(request: HtmxRequest) -> HttpResponse:
    """Show an empty conversation (GET), or begin one with a question (POST)."""
    return _ask(request, None) if request.method == "POST" else _page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def conversation(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Show a conversation (GET), or ask the next question in it (POST)."""
    found = _conversation(request, uuid)
    return _ask(request, found) if request.method == "POST" else _page(request, found)


def _page(
    request: HtmxRequest, found: Conversation | None, *, error: str = "", status: int = 200
) -> HttpResponse:
    context = chat_page.context(found, request.user, request.GET)
    if error:
        context |= {"error": error, "question": request.POST.get("question", "")}
    return render(request, "answers/chat.html", context, status=status)


def _ask(request: HtmxRequest, found: Conversation | None) -> HttpResponse:
    form = QuestionForm(request.POST, user=request.user)
    if not form.is_valid():
        return _not_asked(request, found, form.first_error, status=422)
    chosen = {name: form.cleaned_data[name] for name in ("collections", "documents", "everything")}
    try:
        answer = conversations.ask(
            found or conversations.create(request.user),
            form.cleaned_data["question"],
            reader=form.cleaned_data["reader"],
            **chosen,
        )
    except PermanentError as exc:
        return _not_asked(request, found, str(exc), status=422)
    except TransientError as exc:
        return _not_asked(request, found, str(exc), status=503)
    return _turn(request, answer)


def _not_asked(
    request: HtmxRequest, found: Conversation | None, error: str, *, status: int
) -> HttpResponse:
    if request.htmx:
        return HttpResponse(error, status=status, content_type="text/plain; charset=utf-8")
    return _page(request, found, error=error, status=status)


def _turn(request: HtmxRequest, answer: Message) -> HttpResponse:
    """Show the turn that has just begun: only that for a script, the whole page otherwise."""
    turn = turns.begun(answer, request.user)
    if request.htmx:
        return render(request, "answers/_turn.html", {"turn": turn}, status=201)
    page = reverse("answers:conversation", args=[answer.conversation.uuid])
    return redirect(f"{page}#turn-{turn.question.uuid}")


@require_POST
@login_required
def retry(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Answer the question of this answer once more."""
    answers = conversations.answers_visible_to(request.user).filter(uuid=uuid)
    questions = Message.objects.select_related("conversation")
    return _turn(request, answering.answer_again(get_object_or_404(questions, answers__in=answers)))


@require_safe
@login_required
async def events(request: HtmxRequest, uuid: UUID) -> HttpResponseBase:
    """Stream the answer; a client that lost the connection goes on where it was."""
    user = await request.auser()
    await aget_object_or_404(conversations.answers_visible_to(user), uuid=uuid)

    def render_part(template: str) -> tuple[str, Collection[int]]:
        row = conversations.answers_visible_to(user).filter(uuid=uuid).first()
        if row is None:
            return "", ()
        answer = turns.of_message(row, user)
        html = render_to_string(template, {"answer": answer}, request)
        return html, {source.number for source in answer.sources}

    translate = sse.PageTranslator(
        after=sse.resume_point(request.headers),
        evidence=lambda: render_part("answers/_sources.html"),
        end=lambda: render_part("answers/_answer.html")[0],
    )
    return sse.response(sse.stream(uuid, translate, pace=sse.PAINT_SECONDS))


@require_POST
@login_required
def stop(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    answer = _answer(request, uuid)
    answering.stop(answer)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("answers:conversation", answer.conversation.uuid)


@require_safe
@login_required
def conversation_list(request: HtmxRequest) -> HttpResponse:
    """List the conversations that hold the words in `find`."""
    mine = Conversation.objects.visible_to(request.user)
    shown = mine.filter(uuid__in=[_open_uuid(request)]).first()
    context = chat_page.sidebar(shown, request.user, find=request.GET.get("find", ""))
    return render(request, "answers/_conversation_list.html", context)


@require_safe
@login_required
def scope_documents(request: HtmxRequest) -> HttpResponse:
    """List documents whose title holds the words in `title`, without those chosen already."""
    chosen = [uuid for text in request.GET.getlist("documents") if (uuid := _uuid(text))]
    found = scope.find_documents(request.user, title=request.GET.get("title", ""), but_not=chosen)
    return render(request, "answers/_scope_documents.html", {"documents": found})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def rename(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    found = _conversation(request, uuid)
    form = TitleForm(request.POST or None, initial={"title": found.title})
    if not form.is_valid():
        template = "answers/_rename.html" if request.htmx else "answers/rename.html"
        response = render(request, template, {"form": form, "conversation": found})
        return reswap(retarget(response, "#dialog-body"), "innerHTML")
    conversations.rename(found, title=form.cleaned_data["title"])
    if not request.htmx:
        return redirect("answers:conversation", found.uuid)
    is_open = found.uuid == _open_uuid(request)
    context = {"item": found, "conversation": found if is_open else None, "retitled": is_open}
    response = render(request, "answers/_conversation_item.html", context)
    return trigger_client_event(response, "dialog:close")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Ask first (GET), then delete (POST)."""
    found = _conversation(request, uuid)
    if request.method != "POST":
        template = "answers/_delete.html" if request.htmx else "answers/delete.html"
        return render(request, template, {"conversation": found})
    conversations.delete(found)
    if not request.htmx:
        return redirect("answers:chat")
    if found.uuid == _open_uuid(request):
        return HttpResponseClientRedirect(reverse("answers:chat"))
    return trigger_client_event(HttpResponse(), "dialog:close")


def _open_uuid(request: HtmxRequest) -> UUID | None:
    """The conversation that is shown on the page that a script's request was made from."""
    try:
        match = resolve(urlsplit(request.htmx.current_url or "").path)
    except Resolver404:
        return None
    return match.kwargs["uuid"] if match.view_name == "answers:conversation" else None


def _conversation(request: HtmxRequest, uuid: UUID) -> Conversation:
    return get_object_or_404(Conversation.objects.visible_to(request.user), uuid=uuid)


def _answer(request: HtmxRequest, uuid: UUID) -> Message:
    return get_object_or_404(conversations.answers_visible_to(request.user), uuid=uuid)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
