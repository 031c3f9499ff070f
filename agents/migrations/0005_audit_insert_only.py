"""Leaves to every role of PostgreSQL but the owner of the audit log only reading and appending.

Where HQ runs as the owner, the triggers alone refuse.
"""

from typing import Any

from django.db import migrations

POSTGRES = """DO $$
DECLARE other name;
BEGIN
    FOR other IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema AND table_name = 'agents_auditevent'
            AND grantee NOT IN (current_user, 'PUBLIC')
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER ON agents_auditevent FROM %I', other);
    END LOOP;
END $$"""


def revoke(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES, params=None)


class Migration(migrations.Migration):
    dependencies = [("agents", "0004_audit_no_replacement")]

    operations = [migrations.RunPython(revoke, migrations.RunPython.noop)]
