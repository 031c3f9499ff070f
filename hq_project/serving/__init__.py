"""HQ's daphne: the server's own classes, subclassed, and the processes that run them.

    manage.py serve -> workers (the parent: one listening socket, N processes)
                         -> worker (one process: uvloop, daphne's command line)
                              -> server (connections, drain)
                                   -> channel -> request       HTTP
                                   -> protocol -> outgoing, inbox   WebSockets

`answers` writes what is refused before the application sees it, `access` the access log. The
application behind stays plain ASGI. Nothing imports this package but the `serve` command; only
`worker` may import what imports `daphne.server`, because that makes the event loop.
"""
