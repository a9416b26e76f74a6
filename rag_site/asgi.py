"""The ASGI entry point."""

import os
import threading

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rag_site.settings")

application = get_asgi_application()

# Imported here, not at the top: apps must be set up first.
from retrieval.warmup import warm  # noqa: E402

# The first search finds its models loaded; the pages are there before.
threading.Thread(target=warm, name="warm-up", daemon=True).start()
