"""`manage.py verify_audit`: reads the whole audit log and names the first bad row."""

import datetime as dt
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents import audit, checkpoints, pem
from agents.models import Agent, AuditEvent
from agents.protocol import wire_time

LATE = 2 * dt.timedelta(seconds=checkpoints.EVERY_SECONDS)
"""Workers look at the log once in this interval, and sign it when it is as old again."""


class Command(BaseCommand):
    """Exit code 1, and a sentence, when anything was edited, moved, deleted or cut off, or when a
    cut could not be seen because no checkpoint is there.
    """

    help = "Verifies the chain of the audit log and its signed checkpoints."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--keys",
            type=Path,
            metavar="FILE",
            help="public keys (PEM) of earlier signing keys that HQ is no longer configured with",
        )
        parser.add_argument(
            "--without-checkpoints",
            action="store_true",
            help="verify the chain alone where no checkpoint is left: a cut-off end does not show",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Checks the chain first, then what checkpoints say."""
        try:
            more = pem.public_keys(options["keys"].read_text("utf-8")) if options["keys"] else []
        except (OSError, ValueError):
            raise CommandError("--keys names no file of P-256 public keys in PEM.") from None
        fault = audit.first_bad()
        examined = checkpoints.examined(more)
        fault = fault or examined.fault
        if fault is not None:
            raise CommandError(f"Row {fault.number} {fault.reason}.")
        last = AuditEvent.objects.order_by("-number").first()
        if examined.newest is None and not options["without_checkpoints"]:
            self._refuse_without_checkpoints(last)
        self.stdout.write(
            f"The audit log is whole: {AuditEvent.objects.count()} rows"
            + (f", the newest is row {last.number} of {wire_time(last.at)}." if last else ".")
        )
        self._tell_of_checkpoints(examined, last)

    def _refuse_without_checkpoints(self, last: AuditEvent | None) -> None:
        where = f"There is no checkpoint in {checkpoints.path()}"
        if last is not None:
            raise CommandError(
                f"{where}: rows after row {last.number} of {wire_time(last.at)} may have been cut "
                "off. Put the file back, or verify the chain alone with --without-checkpoints."
            )
        if Agent.objects.exists():
            raise CommandError(
                f"{where} and no row in the log, though there are accounts: all of it may have "
                "been removed. --without-checkpoints says that this is known."
            )

    def _tell_of_checkpoints(self, examined: checkpoints.Examined, last: AuditEvent | None) -> None:
        newest = examined.newest
        if newest is None:
            self.stdout.write("0 checkpoints were checked.")
            return
        self.stdout.write(
            f"{examined.checked} checkpoints were checked, the newest is of row {newest.number} "
            f"and {wire_time(newest.at)}."
        )
        if last is not None and last.number > newest.number and last.at - newest.at > LATE:
            self.stderr.write(
                f"Warning: no checkpoint covers the rows after {newest.number}, though the log "
                f"goes on until {wire_time(last.at)}: what was cut off there does not show."
            )
