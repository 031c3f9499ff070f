"""Has SQLite refuse to write a row of the audit log over another one.

REPLACE removes the row that is in its way without asking the trigger of DELETE (unless
recursive_triggers is on). It finds that row by its number or by SQLite's own rowid. PostgreSQL's
ON CONFLICT DO UPDATE meets the trigger of UPDATE.
"""

from typing import Any

from django.db import migrations

SQLITE = [
    """CREATE TRIGGER agents_auditevent_no_replacement BEFORE INSERT ON agents_auditevent
    WHEN NEW.number IS NOT (SELECT COALESCE(MAX(number), 0) + 1 FROM agents_auditevent)
        OR EXISTS (SELECT 1 FROM agents_auditevent WHERE rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"""
]
UNDO = {"sqlite": ["DROP TRIGGER agents_auditevent_no_replacement"], "postgresql": []}


def add(apps: Any, schema_editor: Any) -> None:
    for statement in {"sqlite": SQLITE, "postgresql": []}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def remove(apps: Any, schema_editor: Any) -> None:
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_audit_append_only")]

    operations = [migrations.RunPython(add, remove)]
