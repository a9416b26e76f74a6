"""REST addresses of retrieval."""

from django.urls import path

from retrieval.api import SearchView

urlpatterns = [path("search/", SearchView.as_view(), name="search")]
