"""What a proxy says counts from trusted proxies alone."""

import ipaddress

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from hq_project.forwarded import trusted_proxies

PROXY = "10.0.0.1"


@pytest.fixture(autouse=True)
def trusted(settings: Settings) -> None:
    """One network of proxies."""
    settings.HQ_TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/24")]


def seen(peer: str, **headers: str) -> HttpRequest:
    """The request as everything behind the middleware sees it."""
    requests: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponseBase:
        requests.append(request)
        return HttpResponse()

    trusted_proxies(view)(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers))
    assert "HTTP_X_FORWARDED_FOR" not in requests[0].META
    return requests[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        (PROXY, "198.51.100.1, 10.0.0.9", "198.51.100.1"),
        (PROXY, "nonsense", PROXY),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_address_is_the_rightmost_that_is_no_trusted_proxy(
    peer: str, forwarded: str, address: str
) -> None:
    """What a client wrote further left changes nothing."""
    assert seen(peer, **{"X-Forwarded-For": forwarded}).META["REMOTE_ADDR"] == address


def test_a_proxy_that_says_nothing_is_the_client() -> None:
    """As far as can be known."""
    assert seen(PROXY).META["REMOTE_ADDR"] == PROXY


@pytest.mark.parametrize(
    ("peer", "said", "secure"),
    [
        ("192.0.2.7", "https", False),
        (PROXY, "https", True),
        (PROXY, "http", False),
        (PROXY, "https, http", False),
    ],
)
def test_the_scheme_is_believed_of_trusted_proxies(peer: str, said: str, secure: bool) -> None:
    """A client cannot make itself look encrypted."""
    assert seen(peer, **{"X-Forwarded-Proto": said}).is_secure() is secure


def test_hsts_is_sent_behind_tls_and_covers_subdomains(settings: Settings) -> None:
    """A year, by ASVS 5.0, 3.4.1."""
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    tls = {"X-Forwarded-Proto": "https"}
    answer = Client().get("/healthz", headers=tls, REMOTE_ADDR=PROXY)
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" not in Client().get("/healthz", headers=tls)
