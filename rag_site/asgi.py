"""The ASGI entry point: Django's pages and API, and the Model Context Protocol beside them."""

import os
import threading
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rag_site.settings")

pages = get_asgi_application()

# Imported here, not at the top: apps must be set up first.
from rag_site import body_limits, mcp_server, receiving  # noqa: E402
from retrieval.warmup import warm  # noqa: E402

limited = body_limits.LimitBodies(pages)
uploads = receiving.KeepsWhatCame(limited)
assistants = body_limits.LimitBodies(mcp_server.app)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Hand a connection to who serves it; the lifespan is that of the protocol's sessions."""
    if scope["type"] == "lifespan":
        await mcp_server.application(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].rstrip("/") == mcp_server.PATH:
        await assistants(scope, receive, send)
    elif receiving.concerns(scope):
        await uploads(scope, receive, send)
    else:
        await limited(scope, receive, send)


# The first search finds its models loaded; the pages are there before.
threading.Thread(target=warm, name="warm-up", daemon=True).start()
