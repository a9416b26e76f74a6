"""What retrieval tells whoever listens; it never learns who that is."""

from django.dispatch import Signal

# Sent after each query that was run; keyword arguments: timings, seconds by stage, and
# is_cached, whether the answer was kept from an earlier one.
searched = Signal()

# Sent inside the transaction that makes a version the one that is searched; keyword argument:
# version.
version_switched = Signal()
