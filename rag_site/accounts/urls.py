"""Addresses of the account pages, under /account/."""

from django.contrib.auth.decorators import login_required
from django.urls import path

from rag_site.accounts import people_views, views

app_name = "accounts"

urlpatterns = [
    path("", views.account, name="account"),
    path("password/", login_required(views.ChangePassword.as_view()), name="password"),
    path("tokens/<uuid:uuid>/revoke/", views.revoke, name="revoke"),
    path("people/", people_views.everybody, name="people"),
    path("people/groups/", people_views.add_group, name="add_group"),
    path("people/<int:pk>/", people_views.person, name="person"),
    path("people/<int:pk>/link/", people_views.link, name="person_link"),
    path("set-password/<uidb64>/<token>/", people_views.SetPassword.as_view(), name="set_password"),
]
