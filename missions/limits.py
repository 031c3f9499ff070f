"""The numbers of the contract, each in one place. Pure.

Sizes are in Unicode code points unless the name says bytes; times in seconds.
"""

BODY_LENGTH = 8_000
DATA_BYTES = 8 * 1024
DATA_DEPTH = 32
"""Objects and arrays within one another: what reads it back may use the stack for each."""
DATA_NUMBERS = (1e-30, 1e16)
"""Sizes of numbers that are no integers: PostgreSQL keeps them as plain digits."""
CLIENT_ID_LENGTH = 64
CODENAME_LENGTH = 80
OBJECTIVE_LENGTH = 2_000
ACK_WITHIN = (10, 86_400)

PAGE_DEFAULT = 50
PAGE_MOST = 200
RECOVER_UPDATES = 500
SNAPSHOT_UPDATES = 50
SNAPSHOT_BYTES = 512 * 1024
AUTO_SUBSCRIBED = 50
"""How many missions, the ones changed last, a socket is subscribed to without asking."""

BACKLOG_BEFORE_SNAPSHOT_BYTES = 256 * 1024
"""The next `subscribed` is written only when less than this waits on the socket."""
