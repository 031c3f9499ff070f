"""Where the mission socket lives: `/missions`, with and without a trailing slash."""

from channels.routing import URLRouter
from django.urls import re_path

from missions.consumers import MissionConsumer

websocket_application = URLRouter([re_path(r"^missions/?$", MissionConsumer.as_asgi())])
