from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0014_enrolment_due"),
    ]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="account_key",
            field=models.CharField(blank=True, default="", max_length=512),
        ),
        migrations.AddField(
            model_name="notification",
            name="data",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="notification",
            name="event",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AddIndex(
            model_name="touch",
            index=models.Index(fields=["channel", "state", "settled_at"], name="touch_shown"),
        ),
    ]
