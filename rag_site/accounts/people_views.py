"""The administrators' pages of people and groups."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, user_passes_test
from django.contrib.auth.models import Group, User
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from rag_site.accounts import people
from rag_site.accounts.forms import GroupForm, NewPersonForm, PersonForm


def _is_admin(user: Any) -> bool:
    if not user.is_superuser:
        raise PermissionDenied
    return True


def admins_only(view: Any) -> Any:
    return login_required(user_passes_test(_is_admin)(view))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def everybody(request: HttpRequest) -> HttpResponse:
    """List the people; a POST adds one and shows the link for a password."""
    form, context = NewPersonForm(request.POST or None), {}
    if request.method == "POST" and form.is_valid():
        context = _with_link(request, people.add(**form.cleaned_data))
        form = NewPersonForm()
    wanted = request.GET.get("name", "")
    context |= {"form": form, "people": people.everybody(wanted), "wanted": wanted}
    context |= {"groups": Group.objects.order_by("name"), "group_form": GroupForm()}
    return render(request, "accounts/people.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: show, and change."""
    found = get_object_or_404(User, pk=pk)
    form = PersonForm(request.POST or None, person=found)
    if request.method == "POST" and form.is_valid():
        try:
            people.change(found, by=request.user, **form.cleaned_data)
        except people.NotDone as exc:
            form.add_error(None, str(exc))
        else:
            messages.success(request, f"{found.username} was changed.")
            return redirect("accounts:people")
    return render(request, "accounts/person.html", {"form": form, "person": found})


@never_cache
@require_POST
@admins_only
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a new link for a password; the person's present one holds until it is used."""
    found = get_object_or_404(User, pk=pk)
    context = {"form": PersonForm(None, person=found), "person": found}
    return render(request, "accounts/person.html", context | _with_link(request, found))


@require_POST
@admins_only
def add_group(request: HttpRequest) -> HttpResponse:
    form = GroupForm(request.POST)
    if form.is_valid():
        messages.success(request, f"The group “{form.save().name}” was made.")
    else:
        messages.error(request, str(next(iter(form.errors.values()))[0]))
    return redirect("accounts:people")


def _with_link(request: HttpRequest, user: User) -> dict[str, Any]:
    return {"made": user, "link": request.build_absolute_uri(people.password_link(user))}


class SetPassword(PasswordResetConfirmView):
    """Where a person comes with the link that an administrator gave them."""

    template_name = "accounts/set_password.html"
    success_url = reverse_lazy("answers:chat")
    post_reset_login = True
    post_reset_login_backend = "django.contrib.auth.backends.ModelBackend"
