"""Makes a home with a source and a key of the given kind for each name: `name=kind …`. Prints them as JSON."""

import json
import sys

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.start import start_new


def prepare(sources: dict[str, str]) -> dict[str, tuple[int, str]]:
    """The number of each source and the text of its key."""
    settings = start_new()
    from keepwell.jobs.key import do_create_key
    from keepwell.jobs.package import do_publish_package
    from keepwell.jobs.secret import open_vault
    from keepwell.jobs.source import do_create_source

    now = SystemClock().now()
    do_publish_package(Home(settings.home), "saas", note="", by="test", now=now)
    found = {}
    for name, kind in sources.items():
        source = do_create_source(name, vault=open_vault(settings), by="test", now=now)
        _, text = do_create_key(kind, source=name, by="test", now=now)
        found[name] = (source.pk, text)
    return found


if __name__ == "__main__":
    print(json.dumps(prepare(dict(word.split("=") for word in sys.argv[1:]))))
