from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "rag_site.accounts"
    label = "accounts"

    def ready(self) -> None:
        from rag_site.accounts import schema  # noqa: F401  (registers itself)
