"""What ingestion tells whoever listens; it never learns who that is."""

from django.dispatch import Signal

# Sent inside the transaction that makes a document's new generation of chunks the live one;
# keyword argument: document.
document_published = Signal()
