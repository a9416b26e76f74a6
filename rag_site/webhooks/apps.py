from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "rag_site.webhooks"
    label = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from rag_site.webhooks import receivers  # noqa: F401
