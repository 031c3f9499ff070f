"""What a good key is: kinds, strength, samples, forms."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from agents import pem
from agents.tests.pem import p256, private_pem, public_pem

RFC_7515 = 0x8E9B109E719098BF980487DF1F5D77E9CB29606EBED2263B5F57C213DF84F4B2
RFC_6979 = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721


def of_scalar(number: int) -> ec.EllipticCurvePrivateKey:
    """The key with that private number."""
    return ec.derive_private_key(number, ec.SECP256R1())


def test_a_key_survives_being_written_and_read() -> None:
    """Also on one line, as environment files have it."""
    key = pem.new_private_key()
    text = pem.private_pem(key)
    for written in (text, text.replace("\n", "\\n")):
        assert pem.private_key(written).private_numbers() == key.private_numbers()
    (public,) = pem.public_keys(pem.public_pem(key.public_key()))
    assert pem.thumbprint(public) == pem.thumbprint(key.public_key())


def test_another_kind_of_key_is_refused() -> None:
    """Another family, another curve."""
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(pem.BadKey, match="no unencrypted P-256 private key"):
            pem.private_key(private_pem(key))
        with pytest.raises(pem.BadKey, match="must hold P-256 public keys"):
            pem.public_keys(public_pem(key))


@pytest.mark.parametrize("number", [1, 2**64, 2**128, pem._ORDER - 1, pem._ORDER - 2**100])
def test_a_key_that_can_be_guessed_is_refused(number: int) -> None:
    """A private number near either end of its range was not drawn at random."""
    with pytest.raises(pem.BadKey, match="too weak"):
        pem.private_key(private_pem(of_scalar(number)))


@pytest.mark.parametrize("number", [RFC_7515, RFC_6979])
def test_a_published_sample_is_refused(number: int) -> None:
    """To sign with, and to verify with: anybody could sign in its name."""
    key = of_scalar(number)
    with pytest.raises(pem.BadKey, match="published sample"):
        pem.private_key(private_pem(key))
    with pytest.raises(pem.BadKey, match="published sample"):
        pem.public_keys(public_pem(p256()) + public_pem(key))
