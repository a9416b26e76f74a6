"""The list of conversations, and what can be done with one: rename, pin, export, delete."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget, trigger_client_event

from answers import chat_page, conversations, exporting
from answers.forms import TitleForm
from answers.models import Conversation
from answers.requests import HtmxRequest


@require_safe
@login_required
def conversation_list(request: HtmxRequest) -> HttpResponse:
    """List the conversations that hold the words in `find`."""
    return _list(request, find=request.GET.get("find", ""))


@require_POST
@login_required
def pin(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    """Keep a conversation at the top of the list (`pinned=1`), or no longer."""
    conversations.pin(of_request(request, uuid), pinned=request.POST.get("pinned") == "1")
    if request.htmx:
        return _list(request, find=request.POST.get("find", ""))
    return redirect("answers:conversation", uuid)


@require_safe
@login_required
def export(request: HtmxRequest, uuid: UUID, name: str) -> HttpResponse:
    """Take the conversation away as a file."""
    if name not in exporting.FORMATS:
        raise Http404("There is no such format.")
    return exporting.response(of_request(request, uuid), request, name)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def rename(request: HtmxRequest, uuid: UUID) -> HttpResponse:
    found = of_request(request, uuid)
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
    found = of_request(request, uuid)
    if request.method != "POST":
        template = "answers/_delete.html" if request.htmx else "answers/delete.html"
        return render(request, template, {"conversation": found})
    conversations.delete(found)
    if not request.htmx:
        return redirect("answers:chat")
    if found.uuid == _open_uuid(request):
        return HttpResponseClientRedirect(reverse("answers:chat"))
    return trigger_client_event(HttpResponse(), "dialog:close")


def of_request(request: HtmxRequest, uuid: UUID) -> Conversation:
    """The person's own conversation, or Http404."""
    return get_object_or_404(Conversation.objects.visible_to(request.user), uuid=uuid)


def _list(request: HtmxRequest, *, find: str) -> HttpResponse:
    mine = Conversation.objects.visible_to(request.user)
    shown = mine.filter(uuid__in=[_open_uuid(request)]).first()
    context = chat_page.sidebar(shown, request.user, find=find)
    return render(request, "answers/_conversation_list.html", context)


def _open_uuid(request: HtmxRequest) -> UUID | None:
    """The conversation that is shown on the page that a script's request was made from."""
    try:
        match = resolve(urlsplit(request.htmx.current_url or "").path)
    except Resolver404:
        return None
    return match.kwargs["uuid"] if match.view_name == "answers:conversation" else None
