"""What a step asks before it is done: conditions about the enrolment (`gates/`, one file each) and about the account.

    only_if: {no_response: true, band: [critical, high_risk]}

All that is written must hold. Where something cannot be said, the step is skipped: nobody is contacted on a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final

from pydantic import BaseModel, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from keepwell.base.registry import kinds
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import Facts
from keepwell.signals.condition import When
from keepwell.signals.truth import UNKNOWN, YES

FOLDER: Final = "keepwell.playbooks.gates"
CANNOT_BE_SAID: Final = "cannot_be_said"
CONDITION: Final = "condition"


class Gate:
    """A condition about the enrolment. `kind` is the name of its file, and the reason of a step skipped for it."""

    kind: ClassVar[str]
    # Whether it must know of answers of the contact.
    asks_for_answer: ClassVar[bool] = False

    def truth(self, enrolment: Enrolment, facts: Facts) -> int:
        """1 it holds, -1 it does not, 0 nobody can say."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Only:
    """What must hold together: gates, and conditions about the account."""

    gates: tuple[Gate, ...] = ()
    when: When | None = None

    def refusal(self, enrolment: Enrolment, facts: Facts) -> str:
        """Why it does not hold: the kind of a gate, `condition` or `cannot_be_said`; "" where it holds."""
        truths = {gate.kind: gate.truth(enrolment, facts) for gate in self.gates}
        if self.when is not None:
            truths[CONDITION] = facts.truth(self.when)
        failed = [name for name, truth in truths.items() if truth not in (YES, UNKNOWN)]
        if failed:
            return failed[0]
        return CANNOT_BE_SAID if UNKNOWN in truths.values() else ""

    @classmethod
    def keys(cls) -> type[BaseModel]:
        """The shape of the mapping, for the names of its keys."""
        return _shape()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validate)

    @classmethod
    def _validate(cls, value: object) -> "Only":
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise PydanticCustomError("mapping_type", "a mapping is expected")
        found = _shape().model_validate(dict(value))
        asked = {name: getattr(found, name) for name in _shape().model_fields if name in found.model_fields_set}
        if not asked or None in asked.values():
            sentence = f"a condition must ask for something; expected one of {', '.join(_shape().model_fields)}"
            raise PydanticCustomError("empty_only", "{sentence}", {"sentence": sentence})
        parts = tuple(part for name, part in asked.items() if name not in _gates())
        return cls(tuple(part for name, part in asked.items() if name in _gates()), When(parts) if parts else None)


def _gates() -> dict[str, type[Gate]]:
    return kinds(FOLDER, Gate)


@cache
def _shape() -> type[BaseModel]:
    """Read at the first use, as gates are found in their folder."""
    fields: dict[str, Any] = {name: (gate | None, None) for name, gate in _gates().items()}
    return create_model("Only", __base__=When.keys(), **fields)
