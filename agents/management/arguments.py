"""The arguments that the commands of accounts share: names of roles and clearances, an agent."""

import argparse

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from agents.errors import NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from agents.selectors import agent_named


def role(name: str) -> Role:
    """A role by its name; argparse shows the sentence otherwise."""
    try:
        return Role(name)
    except ValueError:
        raise argparse.ArgumentTypeError(_one_of(name, [role.value for role in Role])) from None


def clearance(name: str) -> Clearance:
    """A clearance by its name; argparse shows the sentence otherwise."""
    try:
        return Clearance.from_wire(name)
    except ValueError:
        raise argparse.ArgumentTypeError(_one_of(name, [one.wire for one in Clearance])) from None


def existing_agent(username: str) -> Agent:
    """The agent with that username; `CommandError` else."""
    try:
        return agent_named(username)
    except NotFound:
        raise CommandError(f"There is no agent with the username {username}.") from None


def sentences(problem: ValidationError) -> str:
    """What is wrong, field by field, for a terminal."""
    if hasattr(problem, "error_dict"):
        return " ".join(
            f"{'' if field == '__all__' else field + ': '}{' '.join(messages)}"
            for field, messages in problem.message_dict.items()
        )
    return " ".join(problem.messages)


def _one_of(said: str, names: list[str]) -> str:
    return f"{said} is none of {', '.join(names)}."
