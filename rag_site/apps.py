from django.apps import AppConfig


class RagSiteConfig(AppConfig):
    name = "rag_site"
