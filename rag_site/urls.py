"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from rag_site import dashboard_views, views
from rag_site.accounts import oidc_views
from rag_site.accounts.views import SignIn

api_patterns: list[URLPattern | URLResolver] = [
    path("", include("rag_site.accounts.api_urls")),
    path("", include("rag_site.webhooks.api_urls")),
    path("", include("ingestion.api_urls")),
    path("", include("retrieval.api_urls")),
    path("", include("answers.api_urls")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]

urlpatterns = [
    path("", views.start, name="start"),
    path("chat/", include("answers.urls")),
    path("documents/", include("ingestion.urls")),
    path("search/", include("retrieval.search_urls")),
    path("lab/", include("retrieval.lab_urls")),
    path("account/webhooks/", include("rag_site.webhooks.urls")),
    path("account/", include("rag_site.accounts.urls")),
    path("dashboard/", dashboard_views.dashboard, name="dashboard"),
    path("dashboard/live/", dashboard_views.live, name="dashboard-live"),
    path("dashboard/do/<slug:kind>/", dashboard_views.operate, name="dashboard-operate"),
    path("dashboard/spaces/<int:pk>/<slug:verb>/", dashboard_views.space, name="dashboard-space"),
    path("status/", views.status_page, name="status"),
    path("metrics", views.MetricsView.as_view(), name="metrics"),
    path("health", views.ready, name="health"),
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("login/", SignIn.as_view(), name="login"),
    path("login/oidc/", oidc_views.begin, name="oidc"),
    path("login/oidc/callback/", oidc_views.callback, name="oidc-callback"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("api/v1/", include(api_patterns)),
    path("v1/", include("answers.completions_urls")),
    path("admin/", admin.site.urls),
]

handler404 = "rag_site.errors.not_found"
handler500 = "rag_site.errors.server_error"
