"""The shared arguments of the commands."""

import argparse

import pytest
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from agents.management.arguments import clearance, existing_agent, role, sentences
from agents.models import Agent
from agents.roles import Clearance, Role


def test_roles_and_clearances_are_read_by_their_names() -> None:
    """The names of the wire."""
    assert role("field-operative") is Role.FIELD_OPERATIVE
    assert clearance("top-secret") is Clearance.TOP_SECRET


@pytest.mark.parametrize("read", [role, clearance])
def test_an_unknown_name_is_answered_with_the_known_ones(read: object) -> None:
    """Whatever is closest to what was meant is among them."""
    with pytest.raises(argparse.ArgumentTypeError, match="boss is none of"):
        read("boss")  # type: ignore[operator]


@pytest.mark.django_db
def test_an_agent_is_named_by_its_username(agent: Agent) -> None:
    """An unknown one is a sentence, not a traceback."""
    assert existing_agent("ADA") == agent
    with pytest.raises(CommandError, match="no agent with the username bob"):
        existing_agent("bob")


def test_problems_are_sentences_with_their_fields() -> None:
    """As a terminal shows them."""
    assert sentences(ValidationError({"codename": ["Taken."], "__all__": ["No."]})) == (
        "codename: Taken. No."
    )
    assert sentences(ValidationError(["Too short.", "Too common."])) == "Too short. Too common."
