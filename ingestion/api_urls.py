"""REST addresses of ingestion."""

from rest_framework.routers import SimpleRouter

from ingestion.api import CollectionViewSet, DocumentViewSet

router = SimpleRouter(use_regex_path=False)
router.register("collections", CollectionViewSet, basename="collection")
router.register("documents", DocumentViewSet, basename="document")

urlpatterns = router.urls
