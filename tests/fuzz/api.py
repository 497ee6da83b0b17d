"""The API asked by its own description, in every role: what schemathesis makes up, valid and not.

python -m tests.fuzz.api --seconds 60
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.served import Served, full_home, served

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROUND: Final = 25
ROLES: Final = ("red", "adm", "ing", "nobody")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with served(full_home()) as server:
        runs, found = fuzz(server, asked.seconds, asked.seed)
        found += [f"the server wrote: {line}" for line in server.complaints()]
    for line in found:
        print(f"finding api: {line}")
    print(f"executions {runs}")
    sys.exit(1 if found else 0)


def fuzz(server: Served, seconds: float, first: int) -> tuple[int, list[str]]:
    """How many requests were sent, and what was found."""
    reader = {"Authorization": f"Bearer {server.keys['red'][0]}"}
    schema = schemathesis.openapi.from_url(f"{server.address}/api/openapi.json", headers=reader)
    operations = [found.ok() for found in schema.get_all_operations()]
    keys = {kind: itertools.cycle(texts) for kind, texts in server.keys.items()}
    runs, found = 0, dict[str, str]()
    end = time.monotonic() + seconds

    def ask(role: str) -> Callable[[Case], None]:
        def asked(case: Case) -> None:
            nonlocal runs
            if time.monotonic() > end:
                return
            runs += 1
            headers = {} if role == "nobody" else {"Authorization": f"Bearer {next(keys[role])}"}
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=10)

        return asked

    for number in itertools.count(first):
        for operation, role, mode in itertools.product(operations, ROLES, GenerationMode):
            if time.monotonic() > end:
                return runs, list(found.values())
            place = f"{operation.label} {role}"
            try:
                _round(operation.as_strategy(generation_mode=mode), ask(role), number)
            except FailureGroup as group:
                for failure in group.exceptions:
                    name = f"{place}: {failure.title}"
                    if name not in found:
                        found[name] = f"{name}: {' '.join(str(failure).split())[:300]}"
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
                if type(error).__name__ not in ("Unsatisfiable", "SkipTest"):
                    found.setdefault(f"{place}: {type(error).__name__}", f"{place}: {str(error)[:300]}")
    return runs, list(found.values())


def _round(cases: object, ask: Callable[[Case], None], number: int) -> None:
    @seed(number)
    @settings(
        max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(case=cases)  # type: ignore[arg-type]
    def asked(case: Case) -> None:
        try:
            ask(case)
        except FailureGroup:
            told: Mapping[str, object] = {"method": case.method, "path": case.formatted_path, "query": case.query}
            print("asked", json.dumps(told, default=str)[:300], flush=True)
            raise

    asked()


if __name__ == "__main__":
    main()
