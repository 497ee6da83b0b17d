"""The ASGI application: `uvicorn keepwell.web.asgi:application`, or simply `keepwell serve`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")

application = get_asgi_application()
