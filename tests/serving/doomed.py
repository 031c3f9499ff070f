"""An application that no worker survives: the parent imports it, each child ends at its birth."""

import os

os.register_at_fork(after_in_child=lambda: os._exit(7))


def application() -> None:
    """Never called."""
