from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("missions", "0006_overdue_told"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="update",
            index=models.Index(
                condition=models.Q(
                    ("overdue_at__isnull", False), ("overdue_told_at__isnull", True)
                ),
                fields=["overdue_at"],
                name="update_overdue_untold",
            ),
        ),
    ]
