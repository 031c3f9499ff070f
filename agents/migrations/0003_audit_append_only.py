"""Has the database itself refuse to change or remove rows of the audit log."""

from typing import Any

from django.db import migrations

SQLITE = [
    f"""CREATE TRIGGER agents_auditevent_no_{verb} BEFORE {verb} ON agents_auditevent
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"""
    for verb in ("update", "delete")
]
POSTGRES = [
    """CREATE FUNCTION agents_auditevent_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE TRIGGER agents_auditevent_no_change BEFORE UPDATE OR DELETE ON agents_auditevent
    FOR EACH ROW EXECUTE FUNCTION agents_auditevent_refuse()""",
    """CREATE TRIGGER agents_auditevent_no_truncate BEFORE TRUNCATE ON agents_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION agents_auditevent_refuse()""",
]
UNDO = {
    "sqlite": [
        "DROP TRIGGER agents_auditevent_no_update",
        "DROP TRIGGER agents_auditevent_no_delete",
    ],
    "postgresql": ["DROP FUNCTION agents_auditevent_refuse CASCADE"],
}


def add(apps: Any, schema_editor: Any) -> None:
    apps.get_model("agents", "AuditHead").objects.get_or_create(pk=1)
    vendor = schema_editor.connection.vendor
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRES}[vendor]:
        schema_editor.execute(statement)


def remove(apps: Any, schema_editor: Any) -> None:
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_trust")]

    operations = [migrations.RunPython(add, remove)]
