"""HQ's own application, which also says how much a worker holds: `GET /counts`.

For `manage.py serve --application tests.faults.counted.application`.
"""

import asyncio
import gc
import json
import sys
import threading
from typing import Any

from hq_project.asgi import application as hq


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers that one path, and hands everything else on."""
    if scope["type"] != "http" or scope["path"] != "/counts":
        await hq(scope, receive, send)
        return
    unreachable = gc.collect()
    counts = {
        "unreachable": unreachable,
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "blocks": sys.getallocatedblocks(),
    }
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(counts).encode()})
