"""The chat: ask, and follow the answer."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import aget_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_safe

from answers import attachments, chat_page, conversations, message_views, scope, sse, turns
from answers.attachments import Attached
from answers.conversation_views import of_request
from answers.forms import QuestionForm
from answers.models import Conversation, Message, Role
from answers.requests import HtmxRequest
from ingestion.errors import PermanentError, TransientError


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def chat(request: HtmxRequest) -> HttpResponse:
    """Show an empty conversation (GET), or begin one with a question (POST)."""
    return _ask(request, None) if request.method == "POST" else _page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def conversation(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Show a conversation (GET), or ask the next question in it (POST)."""
    found = of_request(request, uuid)
    return _ask(request, found) if request.method == "POST" else _page(request, found)


def _page(
    request: HtmxRequest, found: Conversation | None, *, error: str = "", status: int = 200
) -> HttpResponse:
    context = chat_page.context(found, request.user, request.GET)
    if error:
        context |= {"error": error, "question": request.POST.get("question", "")}
    return render(request, "answers/chat.html", context, status=status)


def _ask(request: HtmxRequest, found: Conversation | None) -> HttpResponse:
    form = QuestionForm(request.POST, request.FILES, user=request.user)
    if not form.is_valid():
        return _not_asked(request, found, form.first_error, status=422)
    chosen = {name: form.cleaned_data[name] for name in ("collections", "documents", "everything")}
    try:
        places = attachments.regions_of(request.POST.getlist("region"), request.user)
        # Of a question that is refused, no empty conversation stays behind.
        with transaction.atomic():
            answer = conversations.ask(
                found or conversations.create(request.user),
                form.cleaned_data["question"],
                reader=form.cleaned_data["reader"],
                **chosen,
                follows=_followed(request, found),
                attached=Attached(tuple(form.cleaned_data["images"]), places),
            )
    except PermanentError as exc:
        return _not_asked(request, found, str(exc), status=422)
    except TransientError as exc:
        return _not_asked(request, found, str(exc), status=503)
    return message_views.turn(request, answer)


def _followed(request: HtmxRequest, found: Conversation | None) -> Message | None:
    """The answer that the person had before them, also where another tab shows another one."""
    uuid = _uuid(request.POST.get("follows"))
    if found is None or uuid is None:
        return None
    return found.messages.filter(uuid=uuid, role=Role.ASSISTANT).first()


def _not_asked(
    request: HtmxRequest, found: Conversation | None, error: str, *, status: int
) -> HttpResponse:
    if request.htmx:
        return HttpResponse(error, status=status, content_type="text/plain; charset=utf-8")
    return _page(request, found, error=error, status=status)


@require_safe
@login_required
async def events(request: HtmxRequest, uuid: UUID) -> HttpResponseBase:
    """Stream the answer; a client that lost the connection goes on where it was."""
    user = await request.auser()
    await aget_object_or_404(conversations.answers_visible_to(user), uuid=uuid)

    def render_part(template: str) -> tuple[str, Collection[int]]:
        row = conversations.answers_visible_to(user).filter(uuid=uuid).first()
        if row is None:
            return render_to_string("answers/_answer_gone.html"), ()
        answer = turns.with_versions(row, user)
        html = render_to_string(template, {"answer": answer}, request)
        return html, {source.number for source in answer.sources}

    translate = sse.PageTranslator(
        after=sse.resume_point(request.headers),
        evidence=lambda: render_part("answers/_sources.html"),
        end=lambda: render_part("answers/_answer.html")[0],
    )
    return sse.response(sse.stream(uuid, translate, pace=sse.PAINT_SECONDS))


@require_safe
@login_required
def conversation_turns(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """What was said on the branch that is shown, for a page that has fallen behind."""
    shown = turns.of_conversation(of_request(request, uuid), request.user)
    return render(request, "answers/_turns.html", {"turns": shown})


@require_safe
@login_required
def scope_documents(request: HtmxRequest) -> HttpResponse:
    """List documents whose title holds the words in `title`, without those chosen already."""
    chosen = [uuid for text in request.GET.getlist("documents") if (uuid := _uuid(text))]
    found = scope.find_documents(request.user, title=request.GET.get("title", ""), but_not=chosen)
    return render(request, "answers/_scope_documents.html", {"documents": found})


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
