"""Django's PostgreSQL with patience that ends: no call waits longer than the client should.

A server that is suspended, or behind a network that swallows packets, neither answers nor fails:
its own timeouts stand still with it. So the client's side counts (`connection`), and once two calls
were stuck, new ones are refused at once until one gets through again (`breaker`).
"""
