"""What retrieval tells whoever listens; it never learns who that is."""

from django.dispatch import Signal

# Sent after each query that was run; keyword argument: timings, seconds by stage.
searched = Signal()
