"""REST addresses of retrieval."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from retrieval.api import SearchView
from retrieval.evaluation_api import QuestionSetViewSet, RunViewSet
from retrieval.profile_api import ProfileViewSet
from retrieval.space_api import (
    SpaceActivateView,
    SpaceRollBackView,
    SpacesView,
    SpaceVectorView,
    SpaceVersionsView,
)

router = SimpleRouter()
router.register("search-profiles", ProfileViewSet, basename="search-profile")
evaluations = SimpleRouter(use_regex_path=False)
evaluations.register("evaluation/sets", QuestionSetViewSet, basename="question-set")
evaluations.register("evaluation/runs", RunViewSet, basename="evaluation-run")

urlpatterns = [
    path("search/", SearchView.as_view(), name="search"),
    path("spaces/", SpacesView.as_view(), name="spaces"),
    path("spaces/<str:space>/versions/", SpaceVersionsView.as_view(), name="space-versions"),
    path(
        "spaces/<str:space>/versions/<int:number>/activate/",
        SpaceActivateView.as_view(),
        name="space-activate",
    ),
    path("spaces/<str:space>/roll-back/", SpaceRollBackView.as_view(), name="space-roll-back"),
    path(
        "spaces/<str:space>/vectors/<int:chunk>/remake/",
        SpaceVectorView.as_view(),
        name="space-vector",
    ),
    path("", include(router.urls)),
    path("", include(evaluations.urls)),
]
