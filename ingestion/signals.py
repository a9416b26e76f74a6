"""What ingestion tells whoever listens; it never learns who that is."""

from django.dispatch import Signal

# Sent inside the transaction that makes a document's new generation of chunks the live one;
# keyword argument: document.
document_published = Signal()

# Sent inside the transaction that gives a document another title, by which its chunks are found
# too; keyword argument: document.
document_renamed = Signal()

# Sent before a document is deleted for good, where a receipt is wanted; keyword argument:
# document. Receivers return an ingestion.receipts.Witness.
document_deleting = Signal()

# Sent inside the transaction in which a document's run failed; keyword argument: document.
document_failed = Signal()

# Sent after a page was parsed, or given up; keyword argument: state, a PageState.
page_finished = Signal()
