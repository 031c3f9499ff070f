"""Masks what looks like a credential, wherever in a log record it stands. Pure.

Knows the forms that credentials of HQ have: tokens (anything that begins as a JWT does), values
after telling names, headers, passwords in addresses, private keys. A ticket alone looks like any
other random text, so nothing may log one without its name. Called by `hq_project.logs`.
"""

import re
from collections.abc import Mapping
from typing import Any

MASK = "[masked]"
LONGEST = 16_000
"""Characters that are kept of one value: its end, where a traceback says what happened."""

DEEPEST = 5

_NAME = r"(?:passwor[dt]|passwd|secret|ticket|token|otp|recovery_codes?|sessionid|refresh|access)"
_HEADER = r"(?:(?:proxy-)?authorization|(?:set-)?cookie)"
_QUOTED = r"""b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'"""
_SECRETS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), shown)
    for pattern, shown in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", MASK),
        (r"(?-i:eyJ)[\w.%~+/=-]*", MASK),
        (rf"\b({_HEADER}['\"]?\s*[:=,]\s*)(?:{_QUOTED}|[^\r\n'\"&]+)", rf"\1{MASK}"),
        (r"\b((?:bearer|basic)[ .]+)[^\s\"',;&)]+", rf"\1{MASK}"),
        (
            rf"\b([\w-]{{0,40}}{_NAME}['\"]?\s*(?:=|:|%3d)\s*)(?:{_QUOTED}|[^\s\"'&,;}}]+)",
            rf"\1{MASK}",
        ),
        (r"(\w://[^\s/:@]{0,200}:)[^\s/@]+@", rf"\1{MASK}@"),
    )
)
_TELLING = re.compile(rf".*{_NAME}|(?:.*-)?{_HEADER}", re.IGNORECASE)


def masked(value: Any, depth: int = DEEPEST) -> Any:
    """The same value in JSON's types, without credentials; mappings and lists are gone through."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth:
        return {
            _masked_text(str(name)): MASK
            if isinstance(held, str | bytes) and _TELLING.fullmatch(str(name))
            else masked(held, depth - 1)
            for name, held in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [masked(held, depth - 1) for held in value]
    # What an exception says may quote input.
    return _masked_text(type(value).__name__ if isinstance(value, BaseException) else str(value))


def _masked_text(text: str) -> str:
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text if len(text) <= LONGEST else f"[...]{text[-LONGEST:]}"
