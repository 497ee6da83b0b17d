"""keepwell opportunities: where accounts may grow."""

from typing import Annotated, Literal

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.figure import money
from keepwell.cli.init import operator
from keepwell.cli.signal import (
    AccountOption,
    JsonOption,
    MineOption,
    NoteOption,
    named_account,
    named_member,
    print_json,
    shell_member,
)
from keepwell.cli.source import show_table
from keepwell.cli.start import start

app = typer.Typer(help="Where accounts may grow. Without a further word, lists what is not closed.")

Stage = Literal["live", "open", "contacted", "won", "lost", "lapsed", "all"]
Id = Annotated[int, typer.Argument(help="Number of the opportunity, as the list shows it.")]


@app.callback(invoke_without_command=True)
def opportunities(
    context: typer.Context,
    account: AccountOption = "",
    stage: Annotated[Stage, typer.Option(help="live is open and contacted.")] = "live",
    mine: MineOption = "",
    as_json: JsonOption = False,
) -> None:
    """List opportunities by what is expected of them: yearly value × confidence."""
    start()
    if context.invoked_subcommand is not None:
        return
    from keepwell.jobs.growth_shape import opportunity_shapes
    from keepwell.jobs.read_today import read_growth
    from keepwell.store.read.opportunity import OpportunityFilter

    now, member, asked = SystemClock().now(), shell_member(), named_account(account)
    wanted = OpportunityFilter(stage, asked.pk if asked else None, mine=named_member(mine))
    shapes = opportunity_shapes(member, read_growth(member, wanted, now=now), now=now)
    if as_json:
        print_json(shapes)
        return
    if not shapes:
        typer.echo(f"No opportunity is listed under '{stage}'.")
        return
    lines = [("id", "stage", "account", "signs", "a year", "confidence", "expected", "blocked")]
    for one in shapes:
        confidence = f"{one.confidence.share:.0%} {'assumed' if one.confidence.is_assumed else 'measured'}"
        signs = ", ".join(sign.title for sign in one.signs)
        worth, expected = money(one.yearly, one.currency), money(one.expected, one.currency)
        name = one.account.name or one.account.key
        lines.append((str(one.id), one.stage, name, signs, worth, confidence, expected, one.blocked_because or "-"))
    show_table(lines)


@app.command()
def contacted(number: Id, note: NoteOption = "") -> None:
    """Say that the account was contacted about it."""
    _move(number, "contacted", note)


@app.command()
def lost(number: Id, note: NoteOption = "") -> None:
    """Say that nothing came of it."""
    _move(number, "lost", note)


def _move(number: int, stage: Literal["contacted", "lost"], note: str) -> None:
    from keepwell.jobs.opportunity import do_move_opportunity
    from keepwell.store.read.opportunity import access_opportunity

    found = access_opportunity(shell_member(), number)
    if found is None:
        raise UserError(f"There is no opportunity {number}. 'keepwell opportunities --stage all' shows their numbers.")
    do_move_opportunity(found, stage, note=note, by=operator(), now=SystemClock().now())
    typer.echo(f"Opportunity {number} at {found.account} is {stage}.")
