"""Addresses of the webhooks' pages, under /account/webhooks/."""

from django.urls import path

from rag_site.webhooks import views

app_name = "webhooks"

urlpatterns = [
    path("", views.webhooks, name="webhooks"),
    path("<uuid:uuid>/", views.webhook, name="webhook"),
    path("<uuid:uuid>/ping/", views.ping, name="ping"),
    path("<uuid:uuid>/switch/", views.switch, name="switch"),
    path("<uuid:uuid>/delete/", views.delete, name="delete"),
    path("<uuid:uuid>/deliveries/<uuid:delivery>/again/", views.again, name="again"),
]
