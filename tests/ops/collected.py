"""HQ's settings with static files collected beside the server's own files, not in the checkout."""

from hq_project.settings import *  # noqa: F403
from hq_project.settings import HQ_VAR_DIR

STATIC_ROOT = HQ_VAR_DIR / "staticfiles"
