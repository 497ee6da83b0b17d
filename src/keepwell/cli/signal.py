"""What the commands about signals share: who asks, which account, and how JSON and tables are printed."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel

from keepwell.base.errors import UserError, nearest
from keepwell.cli.init import operator

if TYPE_CHECKING:
    from keepwell.store.models import Account, Member

JsonOption = Annotated[bool, typer.Option("--json", help="For machines; docs/inbox.md has the shape.")]
AccountOption = Annotated[str, typer.Option("--account", help="Only this account, by its id or number.")]
MineOption = Annotated[str, typer.Option("--mine", help="Only what belongs to the member with this e-mail address.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why, for the history.")]


def shell_member() -> "Member":
    """Whoever has the shell may see and do everything."""
    from keepwell.store.models import Member

    return Member(email=operator(), name="Shell", role="owner")


def named_account(key: str) -> "Account | None":
    """The account of that key or number; None where none is named."""
    from keepwell.store.models import Account
    from keepwell.store.read.account import access_account_named

    if not key:
        return None
    found = access_account_named(shell_member(), key)
    if found is None:
        near = nearest(key, list(Account.objects.values_list("key", flat=True)[:5000]))
        raise UserError(f"There is no account '{key}'.{near} Ids are compared letter by letter.")
    return found


def named_member(email: str) -> "Member | None":
    """The member of that address; None where none is named."""
    from keepwell.store.models import Member

    if not email:
        return None
    found = Member.objects.filter(email=email, is_active=True).first()
    if found is None:
        near = nearest(email, list(Member.objects.values_list("email", flat=True)))
        raise UserError(f"No member who may sign in has the address '{email}'.{near}")
    return found


def print_json(shapes: Sequence[BaseModel] | BaseModel) -> None:
    many = [shapes] if isinstance(shapes, BaseModel) else shapes
    told = [shape.model_dump(mode="json") for shape in many]
    if isinstance(shapes, BaseModel):
        typer.echo(json.dumps(told[0], indent=2))
        return
    typer.echo(json.dumps(told, indent=2))
