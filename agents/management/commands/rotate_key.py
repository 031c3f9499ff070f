"""`manage.py rotate_key`: another signing key, without logging anybody out."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from agents import keys, pem


class Command(BaseCommand):
    """Keys in HQ_VAR_DIR change by themselves; for keys of the environment it prints both values.

    The values alone are on standard output, so that a script can take them.
    """

    help = (
        "Replaces the key that signs tokens. Running servers take the new one up within seconds. "
        "With HQ_JWT_PRIVATE_KEY set, prints the values to set instead."
    )
    requires_system_checks: list[str] = []  # it makes the key that a check would miss

    def handle(self, *args: Any, **options: Any) -> None:
        """`CommandError` when the present keys cannot be read, or a rotation is under way."""
        try:
            if settings.HQ_JWT_PRIVATE_KEY:
                self._print_values()
            else:
                kid, _ = keys.rotate()
                self.stdout.write(
                    f"The key {kid} is published now and signs in {keys.PUBLISHED_AHEAD} s at the "
                    "latest. Tokens of the keys before it stay good until they expire."
                )
        except (ImproperlyConfigured, OSError) as problem:
            raise CommandError(str(problem)) from None

    def _print_values(self) -> None:
        new = pem.new_private_key()
        public = [new.public_key(), *keys.known_keys().values()]
        self.stderr.write(
            "Set HQ_JWT_VERIFYING_KEYS first and restart HQ, on every machine; then set "
            "HQ_JWT_PRIVATE_KEY and restart again. HQ_JWT_VERIFYING_KEYS may lose the last key "
            "when its longest token is over, after 30 days or HQ_REFRESH_HOURS."
        )
        self.stdout.write(f"HQ_JWT_VERIFYING_KEYS={_on_one_line(map(pem.public_pem, public))}")
        self.stdout.write(f"HQ_JWT_PRIVATE_KEY={_on_one_line([pem.private_pem(new)])}")


def _on_one_line(pems: Iterable[str]) -> str:
    return "".join(pems).replace("\n", "\\n")
