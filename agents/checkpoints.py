"""Signed checkpoints of the audit log, in a file that can live elsewhere.

The chain alone shows an edited row but not a cut-off end, for whoever cuts rows can set the head
back as well. A checkpoint says, under the signing key, which row the log had reached: one JSON
object a line with `number`, `digest`, `at`, `kid` and `signature` (ES256 over the other four,
raw r and s in base64url as in RFC 7515). Written every minute or thousand rows, to
HQ_AUDIT_CHECKPOINTS.
"""

import base64
import binascii
import datetime as dt
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from django.conf import settings
from django.utils import timezone

from agents import keys, pem
from agents.audit import Fault
from agents.models import AuditEvent, AuditHead
from agents.protocol import wire_time

EVERY_SECONDS = 60.0
EVERY_ROWS = 1_000


class Checkpoint(NamedTuple):
    """A line of the file that a key of this installation signed."""

    number: int
    digest: str
    at: dt.datetime


class Examined(NamedTuple):
    """What came of all checkpoints.

    `fault`: the first row that one contradicts; a checkpoint that is no good counts as row 0.
    """

    fault: Fault | None
    checked: int
    newest: Checkpoint | None


class _Written(NamedTuple):
    number: int
    at: float


_written = _Written(0, float("-inf"))
_looked_at = float("-inf")
_lock = threading.Lock()


def consider(head: AuditHead) -> None:
    """Writes a checkpoint when the last of this process is a minute or a thousand rows old."""
    global _written
    with _lock:
        late = time.monotonic() - _written.at >= EVERY_SECONDS and head.number > _written.number
        if late or head.number - _written.number >= EVERY_ROWS:
            write(head)
            _written = _Written(head.number, time.monotonic())


def look() -> None:
    """Considers the log as it is in the database, once a minute however often it is called."""
    global _looked_at
    if time.monotonic() - _looked_at >= EVERY_SECONDS:
        _looked_at = time.monotonic()
        head = AuditHead.objects.filter(pk=1).first()
        if head is not None and head.number:
            consider(head)


def path() -> Path:
    """Where checkpoints are."""
    return Path(settings.HQ_AUDIT_CHECKPOINTS)


def write(head: AuditHead) -> None:
    """Appends a checkpoint of the log as it is."""
    key = keys.signing_key()
    said = {
        "number": head.number,
        "digest": head.digest,
        "at": wire_time(timezone.now()),
        "kid": key.kid,
    }
    r, s = utils.decode_dss_signature(key.private.sign(_canonical(said), ec.ECDSA(hashes.SHA256())))
    signature = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    line = json.dumps({**said, "signature": signature.rstrip(b"=").decode()}) + "\n"
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(line)


def first_bad(more_keys: Iterable[pem.PublicKey] = ()) -> Fault | None:
    """What `examined` finds wrong."""
    return examined(more_keys).fault


def examined(more_keys: Iterable[pem.PublicKey] = ()) -> Examined:
    """Holds every checkpoint against the log.

    `more_keys`: of signing keys that this installation had and no longer knows.
    """
    known = {**keys.known_keys(), **{pem.thumbprint(key): key for key in more_keys}}
    newest: Checkpoint | None = None
    checked = 0
    for checked, line in enumerate(_lines(), start=1):
        checkpoint = _verified(line, known)
        if checkpoint is None:
            reason = f"checkpoint {checked} is not signed by a key of this installation"
            return Examined(Fault(0, reason), checked, newest)
        fault = _contradicted(checkpoint)
        if fault is not None:
            return Examined(fault, checked, newest)
        if newest is None or checkpoint.number > newest.number:
            newest = checkpoint
    return Examined(None, checked, newest)


def _contradicted(checkpoint: Checkpoint) -> Fault | None:
    row = AuditEvent.objects.filter(number=checkpoint.number).first()
    if row is None:
        last = AuditEvent.objects.order_by("-number").first()
        missing = (last.number if last else 0) + 1
        return Fault(missing, f"is missing: the log had reached {checkpoint.number}")
    if row.digest != checkpoint.digest:
        return Fault(row.number, "is not what a checkpoint says")
    return None


def _lines() -> Iterator[str]:
    if path().exists():
        with path().open(encoding="utf-8") as file:
            yield from (line for line in file if line.strip())


def _verified(line: str, known: Mapping[str, pem.PublicKey]) -> Checkpoint | None:
    try:
        said = json.loads(line)
        raw = base64.urlsafe_b64decode(said.pop("signature") + "==")
        public = known[said["kid"]]
        der = utils.encode_dss_signature(
            int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        )
        public.verify(der, _canonical(said), ec.ECDSA(hashes.SHA256()))
        at = dt.datetime.fromisoformat(said["at"])
        return Checkpoint(int(said["number"]), str(said["digest"]), at)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, InvalidSignature):
        return None


def _canonical(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
