"""What people send from the account pages: tokens, people, groups."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User

from rag_site.accounts import tokens
from rag_site.accounts.models import Scope

LASTING = [("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "Until revoked")]


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100)
    scope = forms.ChoiceField()
    days = forms.TypedChoiceField(
        choices=LASTING, coerce=int, empty_value=None, required=False, initial="90"
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = tokens.scopes_for(user)  # type: ignore[attr-defined]
        self.fields["scope"].initial = Scope.READ


class PersonForm(forms.Form):
    """What an administrator says of a person."""

    email = forms.EmailField(required=False)
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), required=False, widget=forms.CheckboxSelectMultiple
    )
    is_admin = forms.BooleanField(required=False)
    is_active = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, person: User) -> None:
        said = {
            **{"email": person.email, "groups": person.groups.all()},
            **{"is_admin": person.is_superuser, "is_active": person.is_active},
        }
        super().__init__(data, initial=said)


class NewPersonForm(forms.Form):
    username = forms.CharField(max_length=150, validators=[User.username_validator])
    email = forms.EmailField(required=False)
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), required=False, widget=forms.CheckboxSelectMultiple
    )
    is_admin = forms.BooleanField(required=False)

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError("Somebody has this name already.")
        return username


class GroupForm(forms.ModelForm):
    class Meta:
        model = Group
        fields = ["name"]
