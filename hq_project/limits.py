"""How much, how fast, how often: every limit that the environment can set.

Read by `hq_project.settings`, which makes settings of them. What they mean to clients is in
docs/protocol.md.
"""

import os

from hq_project.environment import Environment

environment = Environment(os.environ)

# One socket, and the sockets of an agent, of an address, of a worker (agents.sockets)
HQ_FRAMES_PER_SECOND = environment.integer("HQ_FRAMES_PER_SECOND", 20, least=1, most=10_000)
HQ_FRAME_BURST = environment.integer("HQ_FRAME_BURST", 100, least=1, most=100_000)
HQ_SOCKETS_PER_AGENT = environment.integer("HQ_SOCKETS_PER_AGENT", 10, least=1, most=100_000)
HQ_PENDING_PER_ADDRESS = environment.integer("HQ_PENDING_PER_ADDRESS", 20, least=1, most=100_000)
HQ_PENDING_PER_WORKER = environment.integer("HQ_PENDING_PER_WORKER", 500, least=1, most=100_000)

# REST calls of an agent and of an address, in each worker (agents.api.throttles)
HQ_CALLS_PER_SECOND = environment.integer("HQ_CALLS_PER_SECOND", 50, least=1, most=100_000)
HQ_CALL_BURST = environment.integer("HQ_CALL_BURST", 500, least=1, most=100_000)
HQ_ADDRESS_CALLS_PER_SECOND = environment.integer(
    "HQ_ADDRESS_CALLS_PER_SECOND", 200, least=1, most=100_000
)
HQ_ADDRESS_CALL_BURST = environment.integer("HQ_ADDRESS_CALL_BURST", 2_000, least=1, most=100_000)

# Guesses of a password or code (agents.lockout)
HQ_LOGIN_FAILURES_PER_PAIR = environment.integer(
    "HQ_LOGIN_FAILURES_PER_PAIR", 5, least=1, most=100_000
)
HQ_LOGIN_FAILURES_PER_ADDRESS = environment.integer(
    "HQ_LOGIN_FAILURES_PER_ADDRESS", 50, least=1, most=100_000
)
HQ_LOGIN_FAILURES_PER_ACCOUNT = environment.integer(
    "HQ_LOGIN_FAILURES_PER_ACCOUNT", 100, least=1, most=100_000
)
HQ_LOGIN_WAIT_SECONDS = environment.integer("HQ_LOGIN_WAIT_SECONDS", 900, least=1, most=86_400)
