"""Addresses of the chat, under /chat/."""

from django.urls import path

from answers import evidence_views, views

app_name = "answers"

urlpatterns = [
    path("", views.chat, name="chat"),
    path("conversations/", views.conversation_list, name="conversations"),
    path("scope/documents/", views.scope_documents, name="scope_documents"),
    path("<uuid:uuid>/", views.conversation, name="conversation"),
    path("<uuid:uuid>/rename/", views.rename, name="rename"),
    path("<uuid:uuid>/delete/", views.delete, name="delete"),
    path("messages/<uuid:uuid>/events", views.events, name="events"),
    path("messages/<uuid:uuid>/stop/", views.stop, name="stop"),
    path("messages/<uuid:uuid>/retry/", views.retry, name="retry"),
    path("citations/<int:pk>/", evidence_views.evidence, name="evidence"),
    path("citations/<int:pk>/crop", evidence_views.crop, name="crop"),
    path("citations/<int:pk>/page-image", evidence_views.page_image, name="page_image"),
]
