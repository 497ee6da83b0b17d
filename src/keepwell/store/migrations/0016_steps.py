from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0015_hooks"),
    ]

    operations = [
        migrations.AddField(
            model_name="task",
            name="expert",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="touch",
            name="ends_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="touch",
            name="place",
            field=models.CharField(blank=True, default="", max_length=500),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="touch",
            name="starts_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("written_at", None), models.Q(("expert", ""), _negated=True)),
                fields=["id"],
                name="task_undiagnosed",
            ),
        ),
    ]
