"""What the serializers of missions cannot say for themselves in the OpenAPI document.

Hooks for the document's maker, named in the settings.
"""

from typing import Any

WITH_REQUIRES_ACK: list[dict[str, Any]] = [
    {"required": ["requires_ack"], "properties": {"requires_ack": {"enum": [True]}}},
    {"properties": {"ack_within": {"type": "null"}}},
]
"""`ack_within` needs `requires_ack`, as `missions.drafts` checks."""

WITHOUT_NUL = r"^[^\u0000]*$"

NOT_BLANK = r"^[^\u0000]*\S[^\u0000]*$"
"""Text without NUL that is more than spaces."""

JSON_VALUE: dict[str, Any] = {
    "description": "Anything in JSON, its text without NUL.",
    "anyOf": [
        {"type": ["null", "boolean", "number"]},
        {"type": "string", "pattern": WITHOUT_NUL},
        {"type": "array", "items": {"$ref": "#/components/schemas/JSONValue"}},
        {
            "type": "object",
            "patternProperties": {WITHOUT_NUL: {"$ref": "#/components/schemas/JSONValue"}},
            "additionalProperties": False,
        },
    ],
}


def rules_between_fields(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds what holds between fields of a body, and that publishing needs one."""
    schemas = result["components"]["schemas"]
    for name in ("NewUpdate", "NewPosition"):
        schemas[name]["anyOf"] = WITH_REQUIRES_ACK
    schemas["PatchedMissionChange"]["properties"]["codename"]["pattern"] = NOT_BLANK
    schemas["NewMission"]["properties"]["codename"]["pattern"] = NOT_BLANK
    schemas["Position"]["additionalProperties"] = False
    schemas["JSONValue"] = JSON_VALUE
    publish = result["paths"]["/api/missions/{mission_id}/updates"]["post"]
    publish["requestBody"]["required"] = True
    return result
