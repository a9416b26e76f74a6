"""REST addresses of answers."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from answers.api import (
    AskView,
    AttachmentImageView,
    CitationImageView,
    ConversationViewSet,
    ReadersView,
)
from answers.message_api import MessageViewSet

router = SimpleRouter(use_regex_path=False)
router.register("conversations", ConversationViewSet, basename="conversation")
router.register("messages", MessageViewSet, basename="message")

urlpatterns = [
    *router.urls,
    path("attachments/<uuid:id>/image/", AttachmentImageView.as_view(), name="attachment-image"),
    path("ask/", AskView.as_view(), name="ask"),
    path("readers/", ReadersView.as_view(), name="readers"),
    path(
        "citations/<int:pk>/crop/",
        CitationImageView.as_view(image="crop"),
        name="citation-crop",
    ),
    path(
        "citations/<int:pk>/page-image/",
        CitationImageView.as_view(image="page_image"),
        name="citation-page-image",
    ),
]
