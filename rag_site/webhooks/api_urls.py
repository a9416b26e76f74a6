"""Addresses of the webhooks, under /api/v1/."""

from rest_framework.routers import SimpleRouter

from rag_site.webhooks import api

router = SimpleRouter(use_regex_path=False)
router.register("webhooks", api.WebhookViewSet, basename="webhook")

urlpatterns = router.urls
