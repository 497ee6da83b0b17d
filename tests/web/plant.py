"""Fills the home of KEEPWELL_HOME with the world of the page tests: python -m tests.web.plant [others]."""

import os
import sys
from pathlib import Path

import django

from keepwell.base.clock import SystemClock


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
    django.setup()
    from django.core.management import call_command

    from tests.web.source_world import plant_sources
    from tests.web.world import plant_second_model, plant_world

    call_command("migrate", verbosity=0, interactive=False)
    now = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    others = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    world = plant_world(Path(os.environ["KEEPWELL_HOME"]), now=now, others=others)
    plant_second_model([world.acme, world.borealis], now)
    plant_sources(now)
    sys.stdout.write(f"{world.acme} {world.borealis} {world.hostile}\n")


if __name__ == "__main__":
    main()
