"""Tokens byte by byte: what a JWT library would refuse to make, signed by HQ's own key or not."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.hq_server import SIGNING_KEY
from tests.tokens import OTHER_KEY

Json = dict[str, Any]
GONE: Any = object()
"""As a value: the name is taken out."""


def part(content: Any) -> str:
    """Base64url of bytes as they are, of anything else as JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def opened(text: str) -> Json:
    """What a part of a token says."""
    said: Json = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return said


def changed(said: Json, changes: Json) -> Json:
    """With these names set, or taken out."""
    return {name: value for name, value in {**said, **changes}.items() if value is not GONE}


def raw_signature(signed: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """ES256 as RFC 7518 has it: r and s, 32 bytes each."""
    der = key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    return b"".join(number.to_bytes(32, "big") for number in utils.decode_dss_signature(der))


def signed(
    header: Any, payload: Any, key: ec.EllipticCurvePrivateKey = SIGNING_KEY, *, der: bool = False
) -> str:
    """A token of that header and payload; with `der` the signature is not in JOSE's form."""
    content = f"{part(header)}.{part(payload)}"
    if der:
        return f"{content}.{part(key.sign(content.encode(), ec.ECDSA(hashes.SHA256())))}"
    return f"{content}.{part(raw_signature(content, key))}"


class Forge:
    """Makes variants of one good token."""

    def __init__(self, good: str) -> None:
        self.good = good
        self.head, self.body, self.signature = good.split(".")
        self.header, self.claims = opened(self.head), opened(self.body)

    def claiming(self, **claims: Any) -> str:
        """Other claims, and a good signature over them."""
        return signed(self.header, changed(self.claims, claims))

    def claiming_text(self, name: str, text: str) -> str:
        """A claim as JSON text, such as NaN; and a good signature."""
        rest = json.dumps(changed(self.claims, {name: GONE}))
        return signed(self.header, f'{rest[:-1]}, "{name}": {text}}}'.encode())

    def edited(self, **claims: Any) -> str:
        """Other claims under the old signature."""
        return f"{self.head}.{part(changed(self.claims, claims))}.{self.signature}"

    def heading(self, **names: Any) -> str:
        """Another header, and a good signature over it."""
        return signed(changed(self.header, names), self.claims)

    def stolen(self, **names: Any) -> str:
        """Another header, signed by a key of the attacker's."""
        return signed(changed(self.header, names), self.claims, OTHER_KEY)

    def unsigned(self, signature: bytes = b"", **names: Any) -> str:
        """Another header and any bytes for a signature."""
        return f"{part(changed(self.header, names))}.{self.body}.{part(signature)}"

    def flipped(self, at: int, bit: int = 0) -> str:
        """One bit of the signature's byte `at` is the other way round."""
        raw = bytearray(base64.urlsafe_b64decode(self.signature + "=="))
        raw[at] ^= 1 << bit
        return f"{self.head}.{self.body}.{part(bytes(raw))}"
