"""Addresses of the document pages, under /documents/."""

from django.urls import path

from ingestion import bulk_views, collection_views, document_views, table_views, views

app_name = "ingestion"

urlpatterns = [
    path("", views.document_list, name="documents"),
    path("bulk/", bulk_views.apply, name="bulk"),
    path("upload/", views.upload, name="upload"),
    path("progress/", views.progress, name="progress"),
    path("collections/", views.create_collection, name="create_collection"),
    path("collections/<int:pk>/rename/", collection_views.rename, name="rename_collection"),
    path("collections/<int:pk>/sharing/", collection_views.sharing_page, name="sharing"),
    path("collections/<int:pk>/delete/", collection_views.delete, name="delete_collection"),
    path("uploads/<uuid:uuid>/discard/", views.discard_upload, name="discard_upload"),
    path("receipt/", document_views.receipt, name="receipt"),
    path("<uuid:uuid>/", document_views.document, name="document"),
    path("<uuid:uuid>/taken/", views.taken, name="taken"),
    path("<uuid:uuid>/panel/", document_views.panel, name="panel"),
    path("<uuid:uuid>/state/", document_views.state, name="state"),
    path("<uuid:uuid>/file", document_views.download, name="download"),
    path("<uuid:uuid>/delete/", document_views.delete, name="delete"),
    path("<uuid:uuid>/labels/", document_views.label, name="label"),
    path("<uuid:uuid>/retry/", document_views.retry, name="retry"),
    path("<uuid:uuid>/cancel/", document_views.cancel, name="cancel"),
    path("<uuid:uuid>/reparse/", document_views.reparse, name="reparse"),
    path("<uuid:uuid>/pages/<int:number>/image", document_views.page_image, name="page_image"),
    path(
        "<uuid:uuid>/pages/<int:number>/thumbnail",
        document_views.page_thumbnail,
        name="page_thumbnail",
    ),
    path("<uuid:uuid>/pages/<int:number>/redo/", document_views.redo_page, name="redo_page"),
    path("<uuid:uuid>/pages/<int:number>/sheet", document_views.sheet, name="sheet"),
    path("<uuid:uuid>/chunks/<int:pk>/image", document_views.crop, name="crop"),
    path("<uuid:uuid>/chunks/<int:pk>/table/", table_views.table, name="table"),
    path("<uuid:uuid>/chunks/<int:pk>/table.csv", table_views.table_csv, name="table_csv"),
]
