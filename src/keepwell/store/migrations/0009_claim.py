from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0008_notification"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownFrom",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("moment", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="NamedClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("claimed_by", models.CharField(blank=True, max_length=64)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("name", models.CharField(max_length=200, unique=True)),
            ],
            options={"abstract": False},
        ),
        migrations.AddField("scorerecord", "occasion", models.CharField(default="asked", max_length=8)),
        migrations.AddField("touchedaccount", "claimed_by", models.CharField(blank=True, max_length=64)),
        migrations.AddField("touchedaccount", "claimed_until", models.DateTimeField(null=True)),
        migrations.AddField("touchedaccount", "first_at", models.DateTimeField(null=True)),
        migrations.AddField("touchedaccount", "known_at", models.DateTimeField(null=True)),
        migrations.AddField("touchedaccount", "last_at", models.DateTimeField(null=True)),
        migrations.AddField("touchedaccount", "tells", models.BooleanField(default=True)),
    ]
