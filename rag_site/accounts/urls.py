"""Addresses of the account pages, under /account/."""

from django.contrib.auth.decorators import login_required
from django.urls import path

from rag_site.accounts import views

app_name = "accounts"

urlpatterns = [
    path("", views.account, name="account"),
    path("password/", login_required(views.ChangePassword.as_view()), name="password"),
    path("tokens/<uuid:uuid>/revoke/", views.revoke, name="revoke"),
]
