"""An authenticator of an agent's, as far as it is needed to have one."""

import base64
import hmac
import struct
import time

from tests.cast import PASSWORD
from tests.ledger import Frame
from tests.rest_client import RestClient


def totp(secret: str, ahead: int = 0) -> str:
    """The code of this moment, or of a later step (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + ahead), "sha1")
    at = digest[-1] & 15
    number: int = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


async def enrol(client: RestClient) -> Frame:
    """Sets a second factor; its `code`, used already, and its `recovery_codes`."""
    begun = await client.call("POST", "/api/auth/otp/enrol", {"password": PASSWORD})
    code = totp(begun["secret"])
    confirmed: Frame = await client.call("POST", "/api/auth/otp/confirm", {"otp": code})
    return {**confirmed, "code": code}
