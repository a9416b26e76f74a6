from django.apps import AppConfig


class RagSiteConfig(AppConfig):
    name = "rag_site"

    def ready(self) -> None:
        # Each registers what it counts or describes; workers count, too.
        from rag_site import metrics, schema  # noqa: F401
