"""Missions, their logs and their streams: what HQ exists for."""
