"""The branches of a stored conversation: which is shown, and what was said before a message."""

from __future__ import annotations

from answers.branches import Tree
from answers.models import Conversation, Message, Role


def tree_of(conversation_id: int) -> Tree:
    """The conversation's messages as a tree, in one query."""
    rows = Message.objects.filter(conversation=conversation_id)
    fields = rows.order_by("pk").values_list("pk", "role", "question_id", "follows_id")
    return Tree(
        {
            pk: question if role == Role.ASSISTANT else follows
            for pk, role, question, follows in fields
        }
    )


def shown(conversation: Conversation, tree: Tree) -> list[int]:
    """The ids of the messages on the branch that is shown, oldest first."""
    return tree.path(conversation.tip_id or tree.newest)


def last_message(conversation: Conversation) -> Message | None:
    """The end of the branch that is shown, mostly an answer: what the next question follows."""
    path = shown(conversation, tree_of(conversation.pk))
    return Message.objects.filter(pk__in=path[-1:]).first()


def before(answer: Message) -> list[int]:
    """The ids of the messages that were said before this answer's question."""
    tree = tree_of(answer.conversation_id)
    return tree.path(answer.pk)[:-2]


def show(message: Message) -> None:
    """Show the branch that goes through this message."""
    tip = tree_of(message.conversation_id).leaf(message.pk)
    Conversation.objects.filter(pk=message.conversation_id).update(tip=tip)
