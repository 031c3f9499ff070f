"""Bad input, and what it gets: every row of docs/security.md against a running HQ.

Rows are named as there: T tokens, H handshakes, F frames, R REST, admin and logs. Every attack
comes from an address of its own, so that its row in the audit log can be told from others'.
"""
