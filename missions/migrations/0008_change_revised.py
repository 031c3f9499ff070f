from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("missions", "0007_overdue_untold"),
    ]

    operations = [
        migrations.AddField(
            model_name="change",
            name="revised",
            field=models.JSONField(null=True),
        ),
    ]
