"""Django set up for a command, in one place."""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

from keepwell.base.settings import Settings
from keepwell.jobs.home import DEFAULT, create_home, require_home

SETTINGS_MODULE = "keepwell.web.settings"


def start() -> Settings:
    """Settings of a home that `keepwell init` or `keepwell demo` has made; refuses where none has."""
    found = _set_up()
    require_home(found)
    return found


def start_without_home() -> Settings:
    """For commands that only read text: a home may be there or not."""
    return _set_up()


def start_new() -> Settings:
    """Make the home where it is missing, bring its database up to date, and start on it."""
    create_home(Path(os.environ.get("KEEPWELL_HOME") or DEFAULT).expanduser())
    found = _set_up()
    call_command("migrate", verbosity=0, interactive=False)
    return found


def _set_up() -> Settings:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS_MODULE)
    django.setup()
    found: Settings = settings.KEEPWELL
    return found
