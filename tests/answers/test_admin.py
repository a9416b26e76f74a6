from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from answers.models import Conversation

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("may", "left"), [(["view"], 1), (["view", "delete"], 0)])
def test_only_who_may_delete_conversations_deletes_them(
    client, conversation, django_user_model, may, left
):
    staff = django_user_model.objects.create_user("staff", is_staff=True)
    names = [f"{verb}_conversation" for verb in may]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(staff)
    chosen = {"action": "delete_conversations", "_selected_action": [conversation.pk]}
    client.post(reverse("admin:answers_conversation_changelist"), chosen)
    assert Conversation.objects.count() == left
