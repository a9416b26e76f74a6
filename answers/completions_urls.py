"""Addresses of OpenAI's chat API, under /v1/."""

from django.urls import path

from answers import completions_api

urlpatterns = [
    path("models", completions_api.ModelsView.as_view(), name="openai-models"),
    path("models/<path:id>", completions_api.ModelView.as_view(), name="openai-model"),
    path(
        "chat/completions",
        completions_api.ChatCompletionsView.as_view(),
        name="openai-chat-completions",
    ),
]
