"""How long tests wait for what must come and has no figure of its own."""

PATIENCE = 30.0
"""Seconds after which it counts as lost; generous, as several test runs may share the machine."""
