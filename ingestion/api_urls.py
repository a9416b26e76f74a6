"""REST addresses of ingestion."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from ingestion.api import CollectionViewSet, DocumentViewSet
from ingestion.contents_api import ChunkViewSet, PageViewSet
from ingestion.tables_api import TableViewSet
from ingestion.uploads_api import UploadViewSet

router = SimpleRouter(use_regex_path=False)
router.register("collections", CollectionViewSet, basename="collection")
router.register("documents", DocumentViewSet, basename="document")

PAGES = "documents/<uuid:document>/pages/"
PAGE = PAGES + "<int:number>/"
CHUNKS = "documents/<uuid:document>/chunks/"
CHUNK_IMAGE = CHUNKS + "<int:pk>/image/"
TABLES = "documents/<uuid:document>/tables/"
TABLE = TABLES + "<int:number>/"
UPLOADS = UploadViewSet.as_view({"get": "list", "post": "create"})
UPLOAD = UploadViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})
FINISH = UploadViewSet.as_view({"post": "finish"})

urlpatterns = [
    *router.urls,
    path("uploads/", UPLOADS, name="upload-list"),
    path("uploads/<uuid:id>/", UPLOAD, name="upload-detail"),
    path("uploads/<uuid:id>/finish/", FINISH, name="upload-finish"),
    path(PAGES, PageViewSet.as_view({"get": "list"}), name="page-list"),
    path(PAGE, PageViewSet.as_view({"get": "retrieve"}), name="page-detail"),
    path(PAGE + "image/", PageViewSet.as_view({"get": "image"}), name="page-image"),
    path(PAGE + "redo/", PageViewSet.as_view({"post": "redo"}), name="page-redo"),
    path(CHUNKS, ChunkViewSet.as_view({"get": "list"}), name="chunk-list"),
    path(CHUNK_IMAGE, ChunkViewSet.as_view({"get": "image"}), name="chunk-image"),
    path(TABLES, TableViewSet.as_view({"get": "list"}), name="table-list"),
    path(TABLE, TableViewSet.as_view({"get": "retrieve"}), name="table-detail"),
    path(TABLE + "csv/", TableViewSet.as_view({"get": "csv"}), name="table-csv"),
]
