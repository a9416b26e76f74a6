"""Collections: made, renamed, and deleted with all that is in them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ingestion import collections, sharing
from ingestion.errors import PermanentError
from ingestion.forms import CollectionForm, SharingForm
from ingestion.models import Collection
from ingestion.views import HtmxRequest


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def rename(request: HtmxRequest, pk: int) -> HttpResponse:
    """Ask for the name (GET), then change it (POST)."""
    found = _own(request, pk)
    if request.method != "POST":
        return _asked(request, "rename_collection", found)
    form = CollectionForm(request.POST, owner=found.owner, collection=found)
    if form.is_valid():
        form.save()
    else:
        messages.error(request, str(next(iter(form.errors.values()))[0]))
    return redirect(f"{reverse('ingestion:documents')}?collection={pk}")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: HtmxRequest, pk: int) -> HttpResponse:
    """Ask first and say how many documents go (GET), then delete (POST)."""
    found = _own(request, pk)
    if request.method != "POST":
        return _asked(request, "delete_collection", found)
    number = collections.delete(found)
    plural = "" if number == 1 else "s"
    messages.success(request, f"“{found}” was deleted, with {number} document{plural}.")
    return redirect("ingestion:documents")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sharing_page(request: HtmxRequest, pk: int) -> HttpResponse:
    """Show whom a collection is shared with; a POST changes one thing about that."""
    found = _own(request, pk)
    if request.method == "POST":
        form = SharingForm(request.POST)
        try:
            form.apply(found)
        except PermanentError as exc:
            messages.error(request, str(exc))
        return redirect("ingestion:sharing", pk=pk)
    context = {
        "collection": found,
        "members": sharing.members(found),
        "roles": sharing.Role.choices,
        "groups": Group.objects.order_by("name"),
    }
    return render(request, "ingestion/sharing.html", context)


def _own(request: HtmxRequest, pk: int) -> Collection:
    return get_object_or_404(Collection.objects.owned_by(request.user), pk=pk)


def _asked(request: HtmxRequest, what: str, collection: Collection) -> HttpResponse:
    template = f"ingestion/{'_' if request.htmx else ''}{what}.html"
    number = collection.documents.count()
    return render(request, template, {"collection": collection, "number": number})
