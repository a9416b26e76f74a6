"""REST addresses of retrieval."""

from django.urls import path

from retrieval.api import SearchView, SpacesView

urlpatterns = [
    path("search/", SearchView.as_view(), name="search"),
    path("spaces/", SpacesView.as_view(), name="spaces"),
]
