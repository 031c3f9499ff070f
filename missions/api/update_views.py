"""REST calls about the entries of a mission's log."""

import msgspec
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Raw
from rest_framework.request import Request

from agents.api.calls import answer
from agents.api.serializers import NoBody
from agents.protocol import wire_time
from missions import history, revisions, selectors, services
from missions.api import serializers, shapes
from missions.api.calls import MissionCall, answers
from missions.api.mission_views import MISSION_ID
from missions.api.objects import ReceiptObject

UPDATE_ID = OpenApiParameter("update_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


@extend_schema(parameters=[MISSION_ID], tags=["updates"])
class Updates(MissionCall):
    """A mission's log."""

    @extend_schema(
        operation_id="list_updates",
        parameters=[serializers.PageQuery],
        responses=answers({200: shapes.Page}, 400, 404, 409),
    )
    def get(self, request: Request, mission_id: str) -> HttpResponse:
        """A page of the caller's stream; without a cursor the newest."""
        asked = self.asked(serializers.PageQuery)
        cursor = {name: asked[name] for name in ("after", "before", "epoch") if name in asked}
        page = history.page(
            self.agent,
            mission_id,
            limit=asked["limit"],
            author_me="author" in asked,
            awaiting=asked.get("awaiting"),
            **cursor,
        )
        return answer(page)

    @extend_schema(
        operation_id="publish_update",
        request=serializers.NEW_UPDATE,
        responses=answers({201: shapes.PublishedUpdate}, 400, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request, mission_id: str) -> HttpResponse:
        """Publishes; a repeat of `client_id` is answered with the same update."""
        draft = self.sent(serializers.AnyNewUpdate).draft()
        update = services.publish(self.agent, mission_id, draft)
        return answer(with_client_id(history.update_bytes(update), draft.client_id), 201)


@extend_schema(parameters=[UPDATE_ID], tags=["updates"])
class OneUpdate(MissionCall):
    """One entry."""

    @extend_schema(operation_id="read_update", responses=answers({200: shapes.Update}, 404))
    def get(self, request: Request, update_id: str) -> HttpResponse:
        """The update, to who may see it or wrote it."""
        return answer(Raw(history.update_bytes(selectors.update_for(self.agent, update_id))))

    @extend_schema(
        operation_id="reclassify_update",
        request=serializers.UpdateChange,
        responses=answers({200: shapes.Update}, 400, 403, 404, 413, 415),
    )
    def patch(self, request: Request, update_id: str) -> HttpResponse:
        """Gives it another audience; who may no longer see it loses it at once."""
        said = self.sent(serializers.UpdateChange).validated_data
        update = revisions.reclassify(
            self.agent,
            update_id,
            classification=said.get("classification"),
            roles=frozenset(said["roles"]) if "roles" in said else None,
        )
        return answer(Raw(history.update_bytes(update)))

    @extend_schema(
        operation_id="retract_update",
        request=None,
        responses=answers({204: None}, 400, 403, 404, 413, 415),
    )
    def delete(self, request: Request, update_id: str) -> HttpResponse:
        """Retracts it: it vanishes from every screen at once."""
        self.sent(NoBody)
        revisions.retract(self.agent, update_id)
        return HttpResponse(status=204)


@extend_schema(parameters=[UPDATE_ID], tags=["updates"])
class Acknowledgement(MissionCall):
    """The caller's receipt."""

    @extend_schema(
        operation_id="acknowledge_update",
        request=None,
        responses=answers({204: None}, 400, 403, 404, 413, 415),
    )
    def post(self, request: Request, update_id: str) -> HttpResponse:
        """Acknowledges; the first time stands."""
        self.sent(NoBody)
        services.acknowledge(self.agent, update_id)
        return HttpResponse(status=204)


@extend_schema(parameters=[UPDATE_ID], tags=["updates"])
class Receipts(MissionCall):
    """Who has to acknowledge, and who has."""

    @extend_schema(
        operation_id="list_receipts",
        responses=answers({200: shapes.Receipt(many=True)}, 400, 403, 404),
    )
    def get(self, request: Request, update_id: str) -> HttpResponse:
        """The receipts, to author, handlers and directors."""
        return answer(
            [
                ReceiptObject(agent=agent, at=None if at is None else wire_time(at))
                for agent, at in selectors.receipts_of(self.agent, update_id)
            ]
        )


def with_client_id(update: bytes, client_id: str | None) -> Raw:
    """An encoded update with `client_id` as its last field."""
    return Raw(update[:-1] + b',"client_id":' + msgspec.json.encode(client_id) + b"}")
