"""The production files: what can be held of them without a container engine."""

import os
import re
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
SECRETS: dict[str, dict[str, str]] = yaml.safe_load(COMPOSE)["secrets"]
NETWORKS: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["networks"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")

VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:-|:\?)?([^}]*)\}")
LONG_RUNNING = sorted(set(SERVICES) - {"migrate"})


def test_the_services_are_caddy_workers_migration_database_and_redis() -> None:
    """Five services make up HQ in production."""
    assert set(SERVICES) == {"caddy", "hq", "migrate", "postgres", "redis"}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_running_service_has_a_health_check(name: str) -> None:
    """A service that stopped working is seen."""
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "start_period", "retries"} <= set(check)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_hardened(name: str) -> None:
    """No service may write its image, gain rights, or log without bound."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_workers_wait_for_the_migration_the_database_and_redis() -> None:
    """No worker meets tables that are not there yet."""
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["command"][:3] == ["python", "manage.py", "migrate"]
    assert {name: need["condition"] for name, need in SERVICES["hq"]["depends_on"].items()} == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "redis": "service_healthy",
    }
    assert SERVICES["hq"]["command"][:3] == ["python", "manage.py", "serve"]


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_no_secret_has_a_default(name: str) -> None:
    """Compose refuses to start until the file of every secret is named."""
    variable, operator, said = VARIABLE.fullmatch(SECRETS[name]["file"]).groups()  # type: ignore[union-attr]
    assert variable.endswith("_FILE")
    assert operator == ":?"
    assert variable in said


def test_no_password_stands_in_the_environment_or_the_arguments() -> None:
    """What is secret reaches a service as a file and as nothing else."""
    for service in SERVICES.values():
        environment = service.get("environment", {})
        for name, value in environment.items():
            if re.search(r"PASSWORD|SECRET|PRIVATE|DATABASE_URL|REDIS_URL", name):
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]
        assert "://" not in str(service.get("command", ""))
    for variable, operator, default in VARIABLE.findall(COMPOSE):
        if operator != ":?":
            assert not re.search(r"PASSWORD|SECRET|PRIVATE_KEY", variable), default
    assert {"hq_secret_key", "hq_jwt_private_key", "database_url", "redis_url"} == set(
        SERVICES["hq"]["secrets"]
    )


def test_postgresql_logs_neither_parameters_nor_rows() -> None:
    """Bodies of updates travel as parameters; an error could quote the row that it refuses."""
    options = set(SERVICES["postgres"]["command"][2::2])
    assert options == {"log_parameter_max_length=0", "log_error_verbosity=terse"}


def test_the_workers_are_not_the_owner_of_the_database() -> None:
    """Only the migration may change tables and triggers, and nothing runs as the superuser."""
    assert SERVICES["migrate"]["environment"] == SERVICES["hq"]["environment"] | {
        "DATABASE_URL_FILE": "/run/secrets/database_owner_url"
    }
    assert "database_owner_url" not in SERVICES["hq"]["secrets"]
    assert SERVICES["postgres"]["environment"]["POSTGRES_USER"] == "postgres"
    holders = {
        name for name in SERVICES if "postgres_password" in SERVICES[name].get("secrets", ())
    }
    assert holders == {"postgres"}


def test_only_caddy_can_be_reached_from_outside() -> None:
    """Workers, database and Redis are on internal networks and publish no port."""
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["caddy"]
    assert [name for name in NETWORKS if not NETWORKS[name].get("internal")] == ["public"]
    assert [name for name in SERVICES if "public" in SERVICES[name]["networks"]] == ["caddy"]
    assert "data" not in SERVICES["caddy"]["networks"]


def test_hq_trusts_the_forwarded_address_of_caddys_network_alone() -> None:
    """HQ_TRUSTED_PROXIES is the range of the network between Caddy and HQ."""
    (edge,) = NETWORKS["edge"]["ipam"]["config"]
    assert SERVICES["hq"]["environment"]["HQ_TRUSTED_PROXIES"] == edge["subnet"]
    members = {name for name in SERVICES if "edge" in SERVICES[name]["networks"]}
    assert members == {"caddy", "hq"}


def test_every_variable_stands_in_the_example_with_a_sentence() -> None:
    """Who copies .env.example sees every choice there is, and no secret in it."""
    lines = EXAMPLE.splitlines()
    explained = {
        line.partition("=")[0]: line.partition("=")[2]
        for above, line in pairwise(lines)
        if "=" in line and above.startswith("# ")
    }
    assert {name for name, _, _ in VARIABLE.findall(COMPOSE)} == set(explained)
    for name, value in explained.items():
        if name.endswith("_FILE"):
            assert value.startswith("./secrets/")
    defaults = {name: text for name, kind, text in VARIABLE.findall(COMPOSE) if kind == ":-"}
    assert all(explained[name] == text for name, text in defaults.items())


def test_make_secrets_writes_what_hq_starts_with(tmp_path: Path) -> None:
    """The files that the script writes are all that HQ's checks ask for, and are never replaced."""
    folder = tmp_path / "secrets"
    command = ["sh", str(ROOT / "deploy" / "make-secrets"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    written = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(written) == set(SECRETS)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(set(written.values())) == len(written)
    subprocess.run(command, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == written

    environment = {
        name: value.replace("/run/secrets", str(folder))
        for name, value in SERVICES["hq"]["environment"].items()
        if not VARIABLE.search(value)
    }
    environment |= {"HQ_PUBLIC_ORIGIN": "https://hq.example.org", "HQ_VAR_DIR": str(tmp_path)}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_image_runs_pinned_requirements_without_rights() -> None:
    """Hashes for every package, static files in the image, a user with a number, a health check."""
    assert "--require-hashes" in DOCKERFILE
    assert re.search(r"^FROM python:3\.11-slim$", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.index("collectstatic") < DOCKERFILE.index("USER 10001:10001")
    assert not re.search(r"^USER root", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"^(ENV|ARG) .*(PASSWORD|SECRET|PRIVATE)", DOCKERFILE, re.MULTILINE)


def test_the_image_gets_only_what_it_names() -> None:
    """Nothing reaches the builder unless it is listed: no .env, no secrets, no database."""
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE))
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied


@pytest.mark.parametrize(
    "field",
    [
        "request>headers>Authorization",
        "request>headers>Cookie",
        "request>headers>Token",
        "request>headers>Sec-Websocket-Protocol",
        "request>headers>Referer",
        "resp_headers>Set-Cookie",
        "resp_headers>Sec-Websocket-Protocol",
    ],
)
def test_caddys_log_leaves_out_every_carrier_of_a_credential(field: str) -> None:
    """A token that went through Caddy is in none of its log lines."""
    assert re.search(rf"^\s+{re.escape(field)} delete$", CADDYFILE, re.MULTILINE)


def test_caddys_log_has_no_query_and_no_second_way_out() -> None:
    """One logger, filtered, takes accesses and errors: the site's own `log` names no other."""
    assert r"request>uri regexp \?.* ?" in CADDYFILE
    assert CADDYFILE.count("format filter {") == 1
    assert re.findall(r"^\s+log\b.*$", CADDYFILE, re.MULTILINE) == ["\tlog {", "\tlog"]
    assert "log_credentials" not in CADDYFILE
