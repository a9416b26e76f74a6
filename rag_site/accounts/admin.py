"""Django's admin: its name, and what is of no use in it."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

if apps.is_installed("allauth.socialaccount"):
    # The provider is named by settings, tokens are not stored, addresses are not verified here.
    for label in ("socialaccount.SocialApp", "socialaccount.SocialToken", "account.EmailAddress"):
        if admin.site.is_registered(apps.get_model(label)):
            admin.site.unregister(apps.get_model(label))

admin.site.site_header = admin.site.site_title = "Pagewise"
admin.site.index_title = "Administration"
