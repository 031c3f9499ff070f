"""Export and pruning: what is written out, for whom, and what a client finds afterwards."""

import contextlib
import datetime as dt
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from agents.models import AuditEvent
from agents.roles import Clearance, Role
from missions import audiences, history, retention, revisions, services
from missions.audiences import STREAMS
from missions.drafts import Draft
from missions.models import Change, Mission, Update, seq_column
from missions.protocol import Kind, Status
from missions.tests.conftest import Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OUTSIDER

pytestmark = pytest.mark.django_db

SECRET, LOW = Clearance.SECRET, Clearance.CONFIDENTIAL


@pytest.fixture
def log(cast: Cast, mission: Mission) -> list[Update]:
    """Eight updates, the first five of them a year old; some are hidden from most."""
    made = []
    for number in range(8):
        draft = Draft(
            kind=Kind.REPORT,
            body=f"update {number}",
            classification=SECRET if number % 3 == 1 else LOW,
            roles=frozenset({Role.HANDLER}) if number % 4 == 2 else frozenset(),
        )
        made.append(services.publish(cast[HANDLER], mission.pk, draft))
    year = timezone.now() - dt.timedelta(days=365)
    Update.objects.filter(pk__in=[one.pk for one in made[:5]]).update(created_at=year)
    return made


def export(path: Path, mission: Mission, viewer: str) -> list[dict[str, Any]]:
    """The lines that the command writes."""
    call_command("export_mission", str(mission.pk), "--as", viewer, "--output", str(path))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@contextlib.contextmanager
def after_a_chunk(meanwhile: Callable[[], object]) -> Iterator[None]:
    """Does that once, between the first read of updates and the second."""
    reads = itertools.count()

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and 'FROM "missions_update"' in sql and next(reads) == 1:
            meanwhile()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield


def prune() -> str:
    """What the command says."""
    said = StringIO()
    call_command("prune", "--updates", "30", stdout=said)
    return said.getvalue()


def close(cast: Cast, mission: Mission) -> None:
    services.change_mission(cast[HANDLER], mission.pk, status=Status.COMPLETED)


def test_an_export_holds_what_its_viewer_sees(
    cast: Cast, mission: Mission, log: list[Update], tmp_path: Path
) -> None:
    """The mission, then the viewer's stream from its beginning; another sees another."""
    for member in (DIRECTOR, ANALYST):
        first, *lines = export(tmp_path / member.username, mission, member.username)
        assert first["id"] == str(mission.pk)
        page = history.page(cast[member], mission.pk, limit=200)
        assert [line["update"]["id"] for line in lines] == [
            json.loads(bytes(one.update))["id"] for one in page.updates
        ]
        assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    exported = AuditEvent.objects.filter(event="mission_exported")
    assert {one.actor for one in exported} == {cast[DIRECTOR].pk, cast[ANALYST].pk}


def test_who_sees_no_such_mission_exports_none(
    cast: Cast, mission: Mission, log: list[Update], tmp_path: Path
) -> None:
    """As if it did not exist."""
    with pytest.raises(CommandError, match="sees no mission"):
        export(tmp_path / "none", mission, OUTSIDER.username)


@pytest.mark.parametrize("viewer", [None, ANALYST])
def test_nothing_is_pruned_that_was_not_exported_whole(
    cast: Cast, mission: Mission, log: list[Update], tmp_path: Path, viewer: Any
) -> None:
    """Neither without an export, nor after one that saw a part."""
    if viewer is not None:
        export(tmp_path / "part", mission, viewer.username)
    close(cast, mission)
    assert "0 updates" in prune()
    assert Update.objects.count() == len(log)


def test_nothing_is_skipped_or_marked_when_the_past_changes_during_an_export(
    cast: Cast,
    mission: Mission,
    log: list[Update],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A retraction moves the numbers of what is still to be read; exported again, it may go."""
    monkeypatch.setattr(retention, "CHUNK", 3)
    close(cast, mission)
    begun = retention.Export(cast[DIRECTOR], mission.pk)
    with after_a_chunk(lambda: revisions.retract(cast[DIRECTOR], log[0].pk)):
        lines = [json.loads(line) for line in begun.lines()]
    assert [line["update"]["id"] for line in lines[1:]] == [str(one.pk) for one in log]
    assert not begun.holds()
    assert "0 updates" in prune()
    assert len(export(tmp_path / "all", mission, DIRECTOR.username)) == 1 + len(log) - 1
    assert "5 updates" in prune()


def test_the_command_says_when_the_past_changed_during_it(
    cast: Cast,
    mission: Mission,
    log: list[Update],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It fails, leaves no file that looks whole, and nothing may be pruned."""
    monkeypatch.setattr(retention, "CHUNK", 3)
    close(cast, mission)
    path = tmp_path / "part"
    top = Clearance.TOP_SECRET
    with (
        after_a_chunk(lambda: revisions.reclassify(cast[DIRECTOR], log[7].pk, classification=top)),
        pytest.raises(CommandError, match="not whole"),
    ):
        export(path, mission, DIRECTOR.username)
    assert not path.exists()
    assert "0 updates" in prune()


def test_what_is_written_after_an_export_began_is_left_to_the_next(
    cast: Cast,
    mission: Mission,
    log: list[Update],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It changes nothing of the past: the export holds up to where the log stood."""
    monkeypatch.setattr(retention, "CHUNK", 3)
    draft = Draft(kind=Kind.REPORT, body="late")
    with after_a_chunk(lambda: services.publish(cast[HANDLER], mission.pk, draft)):
        lines = export(tmp_path / "all", mission, DIRECTOR.username)
    assert len(lines) == 1 + len(log)
    mission.refresh_from_db()
    assert mission.exported_position == len(log) == mission.position - 1


def test_an_export_that_did_not_reach_the_disk_lets_nothing_be_pruned(
    cast: Cast, mission: Mission, log: list[Update], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is said, and the same export to a disk with room counts."""
    close(cast, mission)
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        with pytest.raises(CommandError, match="No space left"):
            call_command("export_mission", str(mission.pk), "--as", DIRECTOR.username)
    assert "0 updates" in prune()


def test_an_export_to_standard_output_counts_once_it_is_written(
    cast: Cast,
    mission: Mission,
    log: list[Update],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `--output` does."""
    close(cast, mission)
    path = tmp_path / "all"
    with path.open("w") as out, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        call_command("export_mission", str(mission.pk), "--as", DIRECTOR.username)
    assert len(path.read_bytes().splitlines()) == 1 + len(log)
    assert "5 updates" in prune()


def test_a_file_that_could_not_be_written_whole_does_not_stay(tmp_path: Path) -> None:
    """So that nobody takes it for the export."""

    def lines() -> Iterator[bytes]:
        yield b"first"
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        retention.write_out(lines(), tmp_path / "part")
    assert list(tmp_path.iterdir()) == []


def test_an_open_mission_keeps_its_log(
    cast: Cast, mission: Mission, log: list[Update], tmp_path: Path
) -> None:
    """However old it is."""
    export(tmp_path / "all", mission, DIRECTOR.username)
    assert "0 updates" in prune()


def test_the_oldest_go_and_the_rest_is_numbered_anew(
    cast: Cast, mission: Mission, log: list[Update], tmp_path: Path
) -> None:
    """Each stream that lost something is dense again under a new epoch; the young stay."""
    export(tmp_path / "all", mission, DIRECTOR.username)
    close(cast, mission)
    mission.refresh_from_db()
    epochs, position = list(mission.epochs), mission.position
    assert "5 updates" in prune()
    mission.refresh_from_db()
    assert list(Update.objects.order_by("position")) == log[5:]
    assert mission.position == position + 1
    for stream in STREAMS:
        column = seq_column(stream)
        kept = Update.objects.filter(**{f"{column}__isnull": False}).order_by("position")
        assert list(kept.values_list(column, flat=True)) == list(range(1, len(kept) + 1))
        assert mission.numbers[stream] == len(kept)
        lost = any(getattr(one, column) is not None for one in log[:5])
        assert (mission.epochs[stream] != epochs[stream]) == lost
    reset = Change.objects.get(position=mission.position)
    assert (reset.kind, reset.update) == ("reset", None)
    assert "0 updates" in prune()


def test_a_resume_from_before_the_pruning_gets_a_snapshot(
    cast: Cast, mission: Mission, log: list[Update], tmp_path: Path
) -> None:
    """Never a part that looks whole."""
    stream = audiences.stream_for(cast[NOVICE].viewer)
    assert getattr(log[0], seq_column(stream)) is None
    viewer = cast[ANALYST]
    before = history.page(viewer, mission.pk)
    export(tmp_path / "all", mission, DIRECTOR.username)
    close(cast, mission)
    prune()
    for after in (log[0], log[7]):
        _, page = history.snapshot_or_following(viewer.pk, mission.pk, str(after.pk), before.epoch)
        assert page.recovered is False
        assert [one.seq for one in page.updates] == list(range(1, len(page.updates) + 1))


def test_many_are_pruned_in_small_steps(
    cast: Cast,
    mission: Mission,
    log: list[Update],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is a transaction of its own, and the sum is the same."""
    monkeypatch.setattr(retention, "CHUNK", 2)
    lines = export(tmp_path / "all", mission, DIRECTOR.username)
    assert len(lines) == 1 + len(log)
    close(cast, mission)
    assert "5 updates" in prune()
    assert list(Update.objects.order_by("position")) == log[5:]
