from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def claimed_is_told(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What was claimed before claims were marked was told of: nobody is to hear of it again."""
    updates = apps.get_model("missions", "Update").objects.using(schema_editor.connection.alias)
    updates.filter(overdue_at__isnull=False).update(overdue_told_at=models.F("overdue_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("missions", "0005_asks"),
    ]

    operations = [
        migrations.AddField(
            model_name="update",
            name="overdue_told_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(claimed_is_told, migrations.RunPython.noop),
    ]
