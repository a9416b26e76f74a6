"""What retrieval tells whoever listens; it never learns who that is."""

from django.dispatch import Signal

# Sent after each query that was run; keyword argument: timings, seconds by stage.
searched = Signal()

# Sent inside the transaction that makes a version the one that is searched; keyword argument:
# version.
version_switched = Signal()
