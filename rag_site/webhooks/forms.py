"""The form that adds a webhook."""

from __future__ import annotations

from django import forms

from rag_site.webhooks import hooks, sending


class WebhookForm(forms.Form):
    url = forms.CharField(
        max_length=500, error_messages={"required": "Say where the events go to."}
    )
    events = forms.MultipleChoiceField(
        choices=[(event.value, event.value) for event in hooks.EVENTS],
        error_messages={"required": "Choose at least one event."},
    )

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            hooks.check_url(url)
        except sending.AddressRefused as exc:
            raise forms.ValidationError(str(exc)) from exc
        return url
