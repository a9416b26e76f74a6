"""Addresses of the tokens, under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from rag_site.accounts import api

router = SimpleRouter(use_regex_path=False)
router.register("tokens", api.TokenViewSet, basename="token")

urlpatterns = [path("auth/token/", api.SignInView.as_view(), name="token-sign-in"), *router.urls]
