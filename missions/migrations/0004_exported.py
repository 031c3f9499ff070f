from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("missions", "0003_revised"),
    ]

    operations = [
        migrations.AddField(
            model_name="mission",
            name="exported_position",
            field=models.PositiveBigIntegerField(default=0),
        ),
    ]
