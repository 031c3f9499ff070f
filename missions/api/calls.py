"""What REST calls about missions add to `agents.api.calls`: the strict query string, the schema."""

from typing import Any

from agents.api.calls import Call
from agents.api.serializers import StrictSerializer
from agents.errors import Invalid
from missions.api import shapes


class MissionCall(Call):
    """A call by an authenticated agent."""

    http_method_names = ["get", "head", "post", "patch", "delete"]

    def asked(self, shape: type[StrictSerializer]) -> dict[str, Any]:
        """The query string, read by that serializer; a name given twice is `Invalid`."""
        for name, values in self.request.query_params.lists():
            if len(values) > 1:
                raise Invalid("Send this once.", field=name)
        reader = shape(data=self.request.query_params.dict())
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)


def answers(success: dict[int, Any], *refusals: int) -> dict[int, Any]:
    """The answers of a call for the schema: what every call may say is added."""
    return {**success, **dict.fromkeys((*refusals, 401, 403, 429, 503), shapes.Error)}
