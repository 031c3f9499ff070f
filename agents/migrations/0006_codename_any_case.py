import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0005_audit_insert_only'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='agent',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('codename'), name='agent_codename_any_case', violation_error_message='An agent with that codename exists already.'),
        ),
        migrations.AlterConstraint(
            model_name='agent',
            name='agent_username_any_case',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('username'), name='agent_username_any_case', violation_error_message='An agent with that username exists already.'),
        ),
    ]
