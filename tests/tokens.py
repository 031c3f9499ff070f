"""Tokens that HQ must refuse, made from one that it issued."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.hq_server import SIGNING_KEY

OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def resigned(token: str, key: ec.EllipticCurvePrivateKey = SIGNING_KEY, **claims: Any) -> str:
    """The same token with other claims, signed by HQ's own key unless said otherwise."""
    header = jwt.get_unverified_header(token)
    content = jwt.decode(token, options={"verify_signature": False}) | claims
    return jwt.encode(content, key, algorithm="ES256", headers={"kid": header["kid"]})


def expired(token: str) -> str:
    """A good signature, a minute past its time."""
    now = int(time.time())
    return resigned(token, iat=now - 120, exp=now - 60)


def forged(token: str) -> str:
    """Everything right but the key."""
    return resigned(token, OTHER_KEY)
