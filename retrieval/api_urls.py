"""REST addresses of retrieval."""

from django.urls import path

from retrieval.api import SearchView
from retrieval.space_api import SpaceRollBackView, SpacesView, SpaceVersionsView

urlpatterns = [
    path("search/", SearchView.as_view(), name="search"),
    path("spaces/", SpacesView.as_view(), name="spaces"),
    path("spaces/<str:space>/versions/", SpaceVersionsView.as_view(), name="space-versions"),
    path("spaces/<str:space>/roll-back/", SpaceRollBackView.as_view(), name="space-roll-back"),
]
