"""Runs one reader under atheris; `run.py` starts it once for each. Ends with an error at the first broken promise."""

import os
import sys

import atheris
import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
with atheris.instrument_imports(include=["keepwell.connectors", "keepwell.web.intake_request"]):
    django.setup()
    from tests.fuzz.readers import READERS


def main() -> None:
    """Arguments: the reader, then what libFuzzer takes."""
    read = READERS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
