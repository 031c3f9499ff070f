"""`manage.py verify_audit`: reads the whole audit log and names the first bad row."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents import audit, checkpoints
from agents.models import AuditEvent


class Command(BaseCommand):
    """Exit code 1, and a sentence, when anything was edited, moved, deleted or cut off."""

    help = "Verifies the chain of the audit log and its signed checkpoints."

    def handle(self, *args: Any, **options: Any) -> None:
        """Checks the chain first, then what checkpoints say."""
        fault = audit.first_bad() or checkpoints.first_bad()
        if fault is not None:
            raise CommandError(f"Row {fault.number} {fault.reason}.")
        self.stdout.write(f"The audit log is whole: {AuditEvent.objects.count()} rows.")
