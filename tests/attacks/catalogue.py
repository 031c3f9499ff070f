"""The bad tokens of the rows T1 to T7, made from a good one; with what each is answered."""

import hmac
import json
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.attacks.forging import GONE, Forge, changed, part, signed
from tests.hq_server import SIGNING_KEY
from tests.tokens import OTHER_KEY

Bad = dict[str, str]
EXPIRED = "expired"
"""Names of tokens that begin so are told `token_expired`; all others `token_invalid`."""

_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_P384 = ec.generate_private_key(ec.SECP384R1())
_PUBLIC = SIGNING_KEY.public_key()


def shapeless(forge: Forge) -> Bad:
    """T1: no token at all, or none that can be read."""
    return {
        "empty": "",
        "dots": "..",
        "two parts": "a.b",
        "four parts": f"{forge.good}.{forge.signature}",
        "not base64": "@@@.###.$$$",
        "padded": f"{forge.good}==",
        "not JSON": signed(forge.header, b"{role: director"),
        "not UTF-8": signed(forge.header, b"\xff\xfe{}"),
        "payload an array": signed(forge.header, [forge.claims]),
        "header an array": signed([forge.header], forge.claims),
        "header not JSON": signed(b"{", forge.claims),
        "nested": signed(forge.header, b"[" * 2000),
        "a claim twice": signed(
            forge.header, b'{"sid":"x",' + json.dumps(forge.claims).encode()[1:]
        ),
    }


def algorithms(forge: Forge) -> Bad:
    """T2: unsigned, or signed by something else than ES256."""
    pem = _PUBLIC.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    point = _PUBLIC.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return {
        **{f"alg {alg}": forge.unsigned(alg=alg) for alg in ("none", "None", "nOnE", "NONE")},
        "alg missing": forge.heading(alg=GONE),
        "alg a list": forge.heading(alg=["ES256"]),
        "alg null": forge.heading(alg=None),
        "empty signature": forge.unsigned(),
        "signature of zeros": forge.unsigned(bytes(64)),
        "signature in DER": signed(forge.header, forge.claims, der=True),
        "HS256 with the public key": by_hmac(forge, pem),
        "HS256 with the public key's point": by_hmac(forge, point),
        "RS256": by_rsa(forge),
        "ES384": by_p384(forge),
        "ES256K": forge.heading(alg="ES256K"),
        "EdDSA": forge.heading(alg="EdDSA"),
        "typ missing": forge.heading(typ=GONE),
        "encrypted": forge.heading(alg="ECDH-ES", enc="A256GCM"),
    }


def by_hmac(forge: Forge, secret: bytes) -> str:
    """The confusion of algorithms: a public key taken for a secret."""
    content = f"{part(changed(forge.header, {'alg': 'HS256'}))}.{forge.body}"
    return f"{content}.{part(hmac.digest(secret, content.encode(), 'sha256'))}"


def by_rsa(forge: Forge) -> str:
    """Another family."""
    content = f"{part(changed(forge.header, {'alg': 'RS256'}))}.{forge.body}"
    return f"{content}.{part(_RSA.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def by_p384(forge: Forge) -> str:
    """Another size."""
    content = f"{part(changed(forge.header, {'alg': 'ES384'}))}.{forge.body}"
    return f"{content}.{part(_P384.sign(content.encode(), ec.ECDSA(hashes.SHA384())))}"


def headers(forge: Forge, listener: str) -> Bad:
    """T3: a header that would have the server fetch, open, query or obey. `listener`: a URL."""
    numbers = OTHER_KEY.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": part(numbers.x.to_bytes(32, "big")),
        "y": part(numbers.y.to_bytes(32, "big")),
    }
    return {
        "jwk": forge.stolen(jwk=jwk),
        "jwk without kid": forge.stolen(jwk=jwk, kid=GONE),
        "jwk, good key": forge.heading(jwk=jwk),
        "jku": forge.stolen(jku=f"{listener}/jwks.json"),
        "x5u": forge.stolen(x5u=f"{listener}/cert.pem"),
        "x5c": forge.stolen(x5c=["MIIB"]),
        "kid missing": forge.heading(kid=GONE),
        "kid empty": forge.heading(kid=""),
        "kid null": forge.heading(kid=None),
        "kid a number": forge.heading(kid=0),
        "kid a list": forge.heading(kid=[forge.header["kid"]]),
        "kid a path": forge.stolen(kid="../../../../../../dev/null"),
        "kid a URL": forge.stolen(kid=f"{listener}/key"),
        "kid SQL": forge.stolen(kid="x' UNION SELECT 'secret' --"),
        "kid unknown": forge.stolen(kid="Qk3rF3Yv0_unknown_unknown_unknown_unknown_0"),
        "kid known, other key": forge.stolen(),
        "crit unknown": forge.heading(crit=["hq"], hq=1),
        "crit empty": forge.heading(crit=[]),
        "b64 false": forge.heading(b64=False, crit=["b64"]),
    }


def edits(forge: Forge) -> Bad:
    """T4: the payload or the signature was touched."""
    other = "00000000-0000-4000-8000-000000000001"
    return {
        "role": forge.edited(role="director"),
        "clearance": forge.edited(clearance="top-secret"),
        "sub": forge.edited(sub=other),
        "sid": forge.edited(sid=other),
        "exp": forge.edited(exp=forge.claims["exp"] + 3600),
        "first byte": forge.flipped(0),
        "middle byte": forge.flipped(32, 3),
        "last byte": forge.flipped(63, 7),
        # Well signed, as only a thief of the key could; the rows decide.
        "sub unknown, well signed": forge.claiming(sub=other),
        "sid unknown, well signed": forge.claiming(sid=other),
        "sid missing": forge.claiming(sid=GONE),
        "sid SQL": forge.claiming(sid="' OR 1=1 --"),
        "sub a number": forge.claiming(sub=1),
        "jti missing": forge.claiming(jti=GONE),
    }


def expiries(forge: Forge) -> Bad:
    """T5: past its time, without one, or with one that no clock has."""
    now, year = int(time.time()), 365 * 86_400
    found = {
        f"{EXPIRED} by a second beyond the leeway": forge.claiming(iat=now - 100, exp=now - 6),
        f"{EXPIRED} by a year": forge.claiming(iat=now - year - 100, exp=now - year),
        "no exp": forge.claiming(exp=GONE),
        "exp null": forge.claiming(exp=None),
        "exp text": forge.claiming(exp=str(now + 100)),
        "exp a fraction": forge.claiming(exp=now + 100.5),
        "exp true": forge.claiming(exp=True),
        "exp NaN": forge.claiming_text("exp", "NaN"),
        "exp Infinity": forge.claiming_text("exp", "Infinity"),
        "exp 10^30": forge.claiming(exp=10**30),
        "exp 1e30": forge.claiming_text("exp", "1e30"),
        "exp negative": forge.claiming(exp=-1),
        "past and forged": signed(
            forge.header, changed(forge.claims, {"iat": now - 100, "exp": now - 60}), OTHER_KEY
        ),
    }
    if forge.claims["token_type"] == "access":
        found |= {
            "longer than an access token lives": forge.claiming(iat=now, exp=now + 86_400),
            "longer than its session": forge.claiming(iat=now, exp=now + 2 * year),
        }
    return found


def beginnings(forge: Forge) -> Bad:
    """T6: from the future, or from no time."""
    now = int(time.time())
    return {
        "nbf ahead": forge.claiming(nbf=now + 60),
        "nbf text": forge.claiming(nbf="now"),
        "nbf 10^30": forge.claiming(nbf=10**30),
        "iat ahead": forge.claiming(iat=now + 60),
        "iat missing": forge.claiming(iat=GONE),
        "iat text": forge.claiming(iat="now"),
        "iat after exp": forge.claiming(iat=forge.claims["exp"] + 1),
    }


def parties(forge: Forge) -> Bad:
    """T7: of another issuer, or for another audience."""
    return {
        f"{name} {what}": forge.claiming(**{name: value})
        for name in ("aud", "iss")
        for what, value in {
            "missing": GONE,
            "null": None,
            "other": "evil",
            "a list that holds ours": [forge.claims[name], "evil"],
            "empty": "",
        }.items()
    }


ROWS: dict[str, Callable[[Forge], Bad]] = {
    "T1": shapeless,
    "T2": algorithms,
    "T4": edits,
    "T5": expiries,
    "T6": beginnings,
    "T7": parties,
}
"""T3 needs a listener and is called by itself."""
