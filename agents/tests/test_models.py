"""Rows of accounts: what the database itself holds, whoever writes to it."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from agents.models import Agent
from agents.roles import Clearance, Role, Viewer

pytestmark = pytest.mark.django_db


def made(username: str = "ada", **fields: Any) -> Agent:
    """An agent through the manager."""
    fields.setdefault("codename", username.title())
    return Agent.objects.create_user(username, **fields)


def test_an_agent_is_least_by_default() -> None:
    """An operative, restricted, without rights and without a usable password."""
    agent = made()
    assert agent.viewer == Viewer(Role.FIELD_OPERATIVE, Clearance.RESTRICTED)
    rights = (agent.is_staff, agent.is_superuser, agent.has_usable_password())
    assert rights == (False, False, False)


def test_ids_are_random() -> None:
    """Nothing is told by their order."""
    assert made("one").pk.version == made("two").pk.version == 4


@pytest.mark.parametrize("username", ["", "-ada", "ada lovelace", "ada\n", "x" * 65, "a<b"])
def test_a_username_is_plain(username: str) -> None:
    """Letters, digits and a few marks."""
    with pytest.raises(ValidationError):
        made(username, codename="Ada")


def test_a_username_is_taken_in_any_case() -> None:
    """Nobody is taken for another."""
    made("ada")
    with pytest.raises(ValidationError):
        made("ADA", codename="Other")


def test_a_codename_is_taken_once_and_holds_no_controls() -> None:
    """It goes into logs and onto screens."""
    made("ada", codename="Kestrel")
    for codename in ("Kestrel", "Kes\x1btrel", "Kes\ntrel", ""):
        with pytest.raises(ValidationError):
            made("bob", codename=codename)


@pytest.mark.parametrize("change", [{"role": "spy"}, {"clearance": 0}, {"clearance": 5}])
def test_the_database_knows_roles_and_clearances(change: dict[str, Any]) -> None:
    """Also past every form."""
    agent = made()
    with pytest.raises(IntegrityError), transaction.atomic():
        Agent.objects.filter(pk=agent.pk).update(**change)


def test_a_superuser_has_every_right() -> None:
    """The first account of an installation."""
    agent = Agent.objects.create_superuser("root", "correct-horse-battery")
    assert agent.viewer == Viewer(Role.DIRECTOR, Clearance.TOP_SECRET)
    assert agent.is_staff
    assert agent.is_superuser
