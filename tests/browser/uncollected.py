"""The product's settings for a server as in production whose static files nobody collected."""

from hq_project.settings import *  # noqa: F403  (everything but what follows)

WHITENOISE_USE_FINDERS = True
