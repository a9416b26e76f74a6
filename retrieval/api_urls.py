"""REST addresses of retrieval."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from retrieval.api import SearchView
from retrieval.profile_api import ProfileViewSet
from retrieval.space_api import SpaceRollBackView, SpacesView, SpaceVersionsView

router = SimpleRouter()
router.register("search-profiles", ProfileViewSet, basename="search-profile")

urlpatterns = [
    path("search/", SearchView.as_view(), name="search"),
    path("spaces/", SpacesView.as_view(), name="spaces"),
    path("spaces/<str:space>/versions/", SpaceVersionsView.as_view(), name="space-versions"),
    path("spaces/<str:space>/roll-back/", SpaceRollBackView.as_view(), name="space-roll-back"),
    path("", include(router.urls)),
]
