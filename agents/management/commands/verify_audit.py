"""`manage.py verify_audit`: reads the whole audit log and names the first bad row."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents import audit, checkpoints, pem
from agents.models import AuditEvent


class Command(BaseCommand):
    """Exit code 1, and a sentence, when anything was edited, moved, deleted or cut off."""

    help = "Verifies the chain of the audit log and its signed checkpoints."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--keys",
            type=Path,
            metavar="FILE",
            help="public keys (PEM) of earlier signing keys that HQ is no longer configured with",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Checks the chain first, then what checkpoints say."""
        try:
            more = pem.public_keys(options["keys"].read_text("utf-8")) if options["keys"] else []
        except (OSError, ValueError):
            raise CommandError("--keys names no file of P-256 public keys in PEM.") from None
        fault = audit.first_bad() or checkpoints.first_bad(more)
        if fault is not None:
            raise CommandError(f"Row {fault.number} {fault.reason}.")
        self.stdout.write(f"The audit log is whole: {AuditEvent.objects.count()} rows.")
