"""The ASGI application: `uvicorn keepwell.web.asgi:application`, or simply `keepwell serve`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")

pages = get_asgi_application()

# The intake imports models, so Django must be set up before.
from django.conf import settings  # noqa: E402

from keepwell.base.clock import SystemClock  # noqa: E402
from keepwell.jobs.door import Door  # noqa: E402
from keepwell.jobs.inbox import inbox_of_process  # noqa: E402
from keepwell.web.ingest import Intake  # noqa: E402
from keepwell.web.shown_stream import ShownStreams  # noqa: E402

intake = Intake(pages, Door(settings.KEEPWELL), inbox_of_process(), SystemClock())
application = ShownStreams(intake, SystemClock())
