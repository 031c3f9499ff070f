"""Accounts, sessions and authenticated sockets. Knows nothing of missions."""
