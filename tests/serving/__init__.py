"""HQ's daphne and its workers, tested from outside: real processes, real sockets, no HQ behind."""
