"""What answers tell whoever listens; they never learn who that is."""

from django.dispatch import Signal

# Sent when an answer is done, stopped or failed; keyword argument: answer.
answered = Signal()
