"""What the serializers of missions cannot say for themselves in the OpenAPI document.

Hooks for the document's maker, named in the settings.
"""

from typing import Any

WITH_REQUIRES_ACK: list[dict[str, Any]] = [
    {"required": ["requires_ack"], "properties": {"requires_ack": {"enum": [True]}}},
    {"properties": {"ack_within": {"nullable": True, "enum": [None]}}},
]
"""`ack_within` needs `requires_ack`, as `missions.drafts` checks."""


def rules_between_fields(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds what holds between two fields of one body, and that a position has nothing else."""
    schemas = result["components"]["schemas"]
    for name in ("NewUpdate", "NewPosition"):
        schemas[name]["anyOf"] = WITH_REQUIRES_ACK
    schemas["PatchedMissionChange"]["properties"]["codename"]["pattern"] = NOT_BLANK
    schemas["NewMission"]["properties"]["codename"]["pattern"] = NOT_BLANK
    schemas["Position"]["additionalProperties"] = False
    return result


NOT_BLANK = r"^[^\u0000]*\S[^\u0000]*$"
"""Text without NUL that is more than spaces (ECMA-262)."""
