"""Your account: tokens and the password."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from rag_site.accounts import tokens
from rag_site.accounts.forms import TokenForm
from rag_site.accounts.oidc_views import link_token


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the account; a POST makes a token and shows its secret, once."""
    form = TokenForm(request.POST or None, user=request.user)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = tokens.issue(request.user, **form.cleaned_data)
            context = {"made": made, "secret": secret}
            form = TokenForm(user=request.user)
        except tokens.TokenRefused as exc:
            form.add_error(None, str(exc))
    context |= {"form": form, "tokens": tokens.of(request.user)}
    if settings.OIDC_ISSUER:
        context |= {"oidc_name": settings.OIDC_NAME, "oidc_link": link_token(request.user)}
    return render(request, "accounts/account.html", context)


@login_required
@require_POST
def revoke(request: HttpRequest, uuid: UUID) -> HttpResponse:
    token = get_object_or_404(tokens.of(request.user), uuid=uuid)
    token.delete()
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("accounts:account")


class SignIn(LoginView):
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        has_oidc = bool(settings.OIDC_ISSUER)
        hides = has_oidc and not settings.PASSWORD_SIGN_IN and not self.request.POST
        named = {"oidc_name": settings.OIDC_NAME if has_oidc else "", "hides_password": hides}
        return super().get_context_data(**kwargs) | named


class ChangePassword(PasswordChangeView):
    template_name = "accounts/password.html"
    success_url = reverse_lazy("accounts:account")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed.")
        return super().form_valid(form)
