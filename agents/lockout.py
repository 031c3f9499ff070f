"""How often a password may be guessed, in the tables of django-axes.

An account from one address waits after 5 failures, an address after 50, and an account after 100 an
hour, but there not from addresses that it was used from before. Names that nobody has are counted
like any other. An attempt is counted before anything is verified, so that guesses made at the same
instant cannot pass the limit; while it is verified it is pending (`path_info` of its row says so)
and no failure: whoever meets the limit for pending ones alone may come again in a second, and one
whose process died counts for 15 s. Refused attempts are not counted: a wait ends by itself. Only a
complete login, second factor included, clears the failures of its account at its address. IPv6
addresses count by /64. ASVS 5.0: 6.1.1, 6.3.1.

Called by `agents.logins`. Sockets and refreshes do not come here: who is in stays in.
"""

import datetime as dt
import threading
import time
from typing import Any, NamedTuple

from axes.handlers.base import AxesHandler
from axes.models import AccessFailureLog, AccessLog
from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from agents import notebook
from agents.addresses import address_group
from agents.errors import RateLimited, Unavailable

ACCOUNT_WINDOW = dt.timedelta(hours=1)
ADDRESS_REMEMBERED = dt.timedelta(days=90)
SWEEP_EVERY = 60.0
PENDING = "pending"
PENDING_FOR = dt.timedelta(seconds=15)
PENDING_RETRY = 1
"""Seconds."""

_pending = Q(path_info=PENDING)

_sweep_lock = threading.Lock()
_swept = float("-inf")


class Attempt(NamedTuple):
    """A guess that is pending until it has failed, is withdrawn or its login is complete."""

    account: str
    address: str | None
    row: int
    began: float


class _Rule(NamedTuple):
    """`limit` failures among those that `of` selects, within `window`."""

    name: str
    of: Q
    limit: int
    window: dt.timedelta


class _Count(NamedTuple):
    """How many attempts a rule counts now."""

    rule: _Rule
    failed: int
    pending: int


def begin(username: str, address: str | None) -> Attempt:
    """Counts an attempt; `RateLimited`, uncounted, when it has to wait."""
    began = time.monotonic()
    account, group = _account(username), _group(address)
    if refusal := _refusal(account, group, address, own=0):
        raise refusal
    row = AccessFailureLog.objects.create(username=account, ip_address=group, path_info=PENDING)
    attempt = Attempt(account, group, row.pk, began)
    # Of attempts that were let in at the same instant, each sees at least those before it.
    if refusal := _refusal(account, group, address, own=1):
        withdraw(attempt)
        raise refusal
    _sweep()
    return attempt


def fail(attempt: Attempt) -> None:
    """The attempt was no good; `Unavailable` as `in_time`."""
    AccessFailureLog.objects.filter(pk=attempt.row).update(path_info="")
    in_time(attempt)


def in_time(attempt: Attempt) -> None:
    """`Unavailable` when the attempt took so long that it ceased to count as pending.

    Others may have been let in instead of it: nobody may learn whether it was right.
    """
    if time.monotonic() - attempt.began > PENDING_FOR.total_seconds():
        raise Unavailable


def withdraw(attempt: Attempt) -> None:
    """The attempt was good, but is no login: earlier failures stay."""
    AccessFailureLog.objects.filter(pk=attempt.row).delete()


def complete(attempt: Attempt) -> None:
    """A login is complete: clears its account at its address, and remembers the address.

    Others that are pending there go on counting.
    """
    here = {"username": attempt.account, "ip_address": attempt.address}
    AccessFailureLog.objects.filter(Q(pk=attempt.row) | Q(**here) & ~_pending).delete()
    if not AccessLog.objects.filter(**here).update(attempt_time=timezone.now()):
        AccessLog.objects.create(**here)


class Handler(AxesHandler):
    """What django-axes asks: whether a request must wait, and its commands that reset."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """How many failures the pair of account and address has."""
        username = (credentials or {}).get("username") or ""
        pair = _rules(_account(username), _group(request.axes_ip_address))[0]
        return int(_failures(pair).count())

    def is_locked(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        """Whether this name has to wait at this address for its failures."""
        username = (credentials or {}).get("username") or ""
        account, group = _account(username), _group(request.axes_ip_address)
        return any(count.failed >= count.rule.limit for count in _counts(account, group))

    def reset_attempts(
        self,
        *,
        ip_address: str | None = None,
        username: str | None = None,
        ip_or_username: bool = False,
    ) -> int:
        """Forgets failures: all, or those of a name, of an address, of both or of either."""
        account = Q(username=_account(username)) if username else Q()
        address = Q(ip_address=_group(ip_address)) if ip_address else Q()
        chosen = account | address if ip_or_username else account & address
        return int(AccessFailureLog.objects.filter(chosen).delete()[0])


def _account(username: str) -> str:
    return username.lower()[:255]


def _group(address: str | None) -> str | None:
    return None if address is None else address_group(address).partition("/")[0]


def _rules(account: str, address: str | None) -> list[_Rule]:
    wait = dt.timedelta(seconds=settings.HQ_LOGIN_WAIT_SECONDS)
    of_account, of_address = Q(username=account), Q(ip_address=address)
    pair = _Rule("pair", of_account & of_address, settings.HQ_LOGIN_FAILURES_PER_PAIR, wait)
    by_address = _Rule("address", of_address, settings.HQ_LOGIN_FAILURES_PER_ADDRESS, wait)
    by_account = _Rule(
        "account", of_account, settings.HQ_LOGIN_FAILURES_PER_ACCOUNT, ACCOUNT_WINDOW
    )
    return [pair, by_account] if address is None else [pair, by_address, by_account]


def _failures(rule: _Rule) -> Any:
    since = timezone.now() - rule.window
    return AccessFailureLog.objects.filter(rule.of, ~_pending, attempt_time__gt=since)


def _counts(account: str, address: str | None) -> list[_Count]:
    """By each rule that holds for this account and address."""
    rules, now = _rules(account, address), timezone.now()
    pending = _pending & Q(attempt_time__gt=now - PENDING_FOR)
    asked: dict[str, Count] = {}
    for rule in rules:
        failed = ~_pending & Q(attempt_time__gt=now - rule.window)
        asked[rule.name] = Count("pk", filter=rule.of & failed)
        asked[f"{rule.name}_pending"] = Count("pk", filter=rule.of & pending)
    counts = AccessFailureLog.objects.filter(
        Q(username=account) | Q(ip_address=address),
        attempt_time__gt=now - max(PENDING_FOR, *(rule.window for rule in rules)),
    ).aggregate(**asked)
    found = [_Count(rule, counts[rule.name], counts[f"{rule.name}_pending"]) for rule in rules]
    return [
        count
        for count in found
        if not (
            count.rule.name == "account"
            and count.failed + count.pending >= count.rule.limit
            and _used_before(account, address)
        )
    ]


def _used_before(account: str, address: str | None) -> bool:
    known = AccessLog.objects.filter(username=account, ip_address=address)
    return bool(known.filter(attempt_time__gt=timezone.now() - ADDRESS_REMEMBERED).exists())


def _refusal(
    account: str, group: str | None, address: str | None, *, own: int
) -> RateLimited | None:
    """Why one more attempt has to wait. `own`: 1 when it is among the pending ones already."""
    counts = _counts(account, group)
    broken = [count.rule for count in counts if count.failed >= count.rule.limit]
    if broken:
        notebook.refused("excess_rate_limit_exceeded", f"login_{broken[0].name}", address)
        wait = max(_seconds_left(rule) for rule in broken)
        return RateLimited("Too many attempts. Try again later.", retry_after=wait)
    if any(count.failed + count.pending - own >= count.rule.limit for count in counts):
        notebook.refused("excess_rate_limit_exceeded", "login_pending", address)
        return RateLimited(
            "Too many attempts at once. Try again in a moment.", retry_after=PENDING_RETRY
        )
    return None


def _seconds_left(rule: _Rule) -> int:
    """When so many failures have left the window that one more fits."""
    newest = _failures(rule).order_by("-attempt_time").values_list("attempt_time", flat=True)
    times = list(newest[rule.limit - 1 : rule.limit])
    if not times:
        return 1
    return max(1, int((times[0] + rule.window - timezone.now()).total_seconds()) + 1)


def _sweep() -> None:
    """Deletes what no rule counts any more, once a minute in each process."""
    global _swept
    with _sweep_lock:
        if time.monotonic() - _swept < SWEEP_EVERY:
            return
        _swept = time.monotonic()
    wait = dt.timedelta(seconds=settings.HQ_LOGIN_WAIT_SECONDS)
    now = timezone.now()
    AccessFailureLog.objects.filter(attempt_time__lt=now - max(ACCOUNT_WINDOW, wait)).delete()
    AccessLog.objects.filter(attempt_time__lt=now - ADDRESS_REMEMBERED).delete()
