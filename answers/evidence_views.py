"""One citation: the panel beside the chat, and its images."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from answers import turns
from answers.requests import HtmxRequest
from ingestion import file_responses


@require_safe
@login_required
def evidence(request: HtmxRequest, pk: int) -> HttpResponse:
    """Show a source with its page boxed: a panel for a script, a page of its own without one."""
    answer, source = turns.find_source(request.user, pk)
    place = answer.sources.index(source)
    context = {
        "answer": answer,
        "source": source,
        "previous": answer.sources[place - 1] if place else None,
        "next": answer.sources[place + 1] if place + 1 < len(answer.sources) else None,
        "place": place + 1,
        "conversation": answer.message.conversation,
    }
    template = "answers/_evidence.html" if request.htmx else "answers/evidence.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@login_required
def crop(request: HtmxRequest, pk: int) -> HttpResponse:
    return file_responses.image(request, turns.find_source(request.user, pk)[1].citation.crop)


@require_safe
@login_required
def page_image(request: HtmxRequest, pk: int) -> HttpResponse:
    return file_responses.image(request, turns.find_source(request.user, pk)[1].citation.page_image)
