"""Addresses of the chat, under /chat/."""

from django.urls import path

from answers import (
    attachment_views,
    conversation_views,
    evidence_views,
    feedback_views,
    message_views,
    views,
)

app_name = "answers"

urlpatterns = [
    path("", views.chat, name="chat"),
    path("conversations/", conversation_views.conversation_list, name="conversations"),
    path("scope/documents/", views.scope_documents, name="scope_documents"),
    path("<uuid:uuid>/", views.conversation, name="conversation"),
    path("<uuid:uuid>/turns/", views.conversation_turns, name="turns"),
    path("<uuid:uuid>/rename/", conversation_views.rename, name="rename"),
    path("<uuid:uuid>/pin/", conversation_views.pin, name="pin"),
    path("<uuid:uuid>/export/<slug:name>", conversation_views.export, name="export"),
    path("<uuid:uuid>/delete/", conversation_views.delete, name="delete"),
    path("messages/<uuid:uuid>/events", views.events, name="events"),
    path("messages/<uuid:uuid>/stop/", message_views.stop, name="stop"),
    path("messages/<uuid:uuid>/retry/", message_views.retry, name="retry"),
    path("messages/<uuid:uuid>/edit/", message_views.edit, name="edit"),
    path("messages/<uuid:uuid>/show/", message_views.show, name="show"),
    path("messages/<uuid:uuid>/feedback/", feedback_views.give, name="feedback"),
    path("regions/", attachment_views.choose, name="regions"),
    path("regions/preview", attachment_views.preview, name="region_preview"),
    path("attachments/<uuid:uuid>", attachment_views.image, name="attachment"),
    path("citations/<int:pk>/", evidence_views.evidence, name="evidence"),
    path("citations/<int:pk>/crop", evidence_views.crop, name="crop"),
    path("citations/<int:pk>/page-image", evidence_views.page_image, name="page_image"),
]
