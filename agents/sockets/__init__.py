"""WebSockets of authenticated agents: how a credential comes in, and how it stays good."""
