"""What a proxy says about a request counts only from proxies that are trusted.

Puts the client's own address into REMOTE_ADDR, by the rule of `agents.addresses`, and keeps
X-Forwarded-Proto for Django only where it may be believed. Everything behind this middleware sees
one truth and no X-Forwarded-For.
"""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from agents.addresses import client_address

Answer = Callable[[HttpRequest], HttpResponseBase]


def trusted_proxies(get_response: Answer) -> Answer:
    """Middleware; the first of all."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        said = request.META
        peer = client_address(said.get("REMOTE_ADDR"), (), ())
        forwarded_for = said.pop("HTTP_X_FORWARDED_FOR", "")
        scheme = said.pop("HTTP_X_FORWARDED_PROTO", "")
        if peer is not None and _trusted(peer):
            said["REMOTE_ADDR"] = client_address(
                peer, [forwarded_for] if forwarded_for else [], settings.HQ_TRUSTED_PROXIES
            )
            said["HTTP_X_FORWARDED_PROTO"] = scheme.rpartition(",")[2].strip()
        return get_response(request)

    return answer


def _trusted(peer: str) -> bool:
    address = ipaddress.ip_address(peer)
    return any(address in network for network in settings.HQ_TRUSTED_PROXIES)
