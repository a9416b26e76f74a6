"""REST addresses of ingestion."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from ingestion.api import CollectionViewSet, DocumentViewSet
from ingestion.contents_api import ChunkViewSet, PageViewSet

router = SimpleRouter(use_regex_path=False)
router.register("collections", CollectionViewSet, basename="collection")
router.register("documents", DocumentViewSet, basename="document")

PAGES = "documents/<uuid:document>/pages/"
PAGE = PAGES + "<int:number>/"
CHUNKS = "documents/<uuid:document>/chunks/"

urlpatterns = [
    *router.urls,
    path(PAGES, PageViewSet.as_view({"get": "list"}), name="page-list"),
    path(PAGE, PageViewSet.as_view({"get": "retrieve"}), name="page-detail"),
    path(PAGE + "image/", PageViewSet.as_view({"get": "image"}), name="page-image"),
    path(PAGE + "redo/", PageViewSet.as_view({"post": "redo"}), name="page-redo"),
    path(CHUNKS, ChunkViewSet.as_view({"get": "list"}), name="chunk-list"),
]
