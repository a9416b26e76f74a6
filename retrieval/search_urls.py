"""Addresses of the search page, under /search/."""

from django.urls import path

from retrieval import search_views

app_name = "search"

urlpatterns = [path("", search_views.find, name="find")]
