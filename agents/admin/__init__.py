"""Accounts, sessions, open sockets and the security log in Django's admin, for staff.

Owns nothing that is not said through `agents.accounts`, `sessions`, `connections` and `mfa`. Staff
reach those whom their rank covers, and nothing of a password, token or code is shown.
"""

from agents.admin import accounts, log, openings

__all__ = ["accounts", "log", "openings"]
