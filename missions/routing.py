"""Where the mission socket lives: `/missions`, with and without a trailing slash.

Any other path is answered 404 before anybody looks at credentials.
"""

from typing import Any

from channels.routing import URLRouter
from django.urls import re_path

from agents.sockets.middleware import JWTAuthMiddleware, no_such_path
from missions.consumers import MissionConsumer

# Django types its routes as views; Channels puts applications there.
_mission_socket: Any = JWTAuthMiddleware(MissionConsumer.as_asgi())
_nothing: Any = no_such_path

websocket_application = URLRouter(
    [re_path(r"^missions/?$", _mission_socket), re_path(r"", _nothing)]
)
