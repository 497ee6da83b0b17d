"""Django settings: only what the models need yet."""

import os

SECRET_KEY = os.environ.get("KEEPWELL_SECRET_KEY", "only-for-development")
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "keepwell.store.apps.StoreConfig"]
AUTH_USER_MODEL = "store.Member"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
