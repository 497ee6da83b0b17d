"""keepwell milestones: successes worth celebrating."""

from typing import Annotated, Literal

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.cli.init import operator
from keepwell.cli.signal import (
    AccountOption,
    JsonOption,
    MineOption,
    named_account,
    named_member,
    print_json,
    shell_member,
)
from keepwell.cli.source import show_table
from keepwell.cli.start import start

app = typer.Typer(help="Successes worth celebrating. Without a further word, lists what is new.")

State = Literal["new", "celebrated", "passed_over", "all"]
Id = Annotated[int, typer.Argument(help="Number of the milestone, as the list shows it.")]


@app.callback(invoke_without_command=True)
def milestones(
    context: typer.Context,
    account: AccountOption = "",
    state: Annotated[State, typer.Option(help="What became of it.")] = "new",
    mine: MineOption = "",
    as_json: JsonOption = False,
) -> None:
    """List milestones, newest first, each with a word where celebrating is unwise now."""
    start()
    if context.invoked_subcommand is not None:
        return
    from keepwell.jobs.growth_shape import milestone_shapes
    from keepwell.store.read.milestone import MilestoneFilter, access_milestones

    member, asked = shell_member(), named_account(account)
    wanted = MilestoneFilter(state, asked.pk if asked else None, named_member(mine))
    shapes = milestone_shapes(member, access_milestones(member, wanted))
    if as_json:
        print_json(shapes)
        return
    if not shapes:
        typer.echo(f"No milestone is listed under '{state}'.")
        return
    lines = [("id", "state", "account", "milestone", "reached", "unwise now")]
    for one in shapes:
        name, reached = one.account.name or one.account.key, f"{one.reached_at:%Y-%m-%d %H:%M}"
        lines.append((str(one.id), one.state, name, one.title, reached, one.unwise_because or "-"))
    show_table(lines)


@app.command()
def celebrated(number: Id) -> None:
    """Say that it was celebrated."""
    _settle(number, "celebrated")


@app.command("pass-over")
def pass_over(number: Id) -> None:
    """Say that it will not be celebrated."""
    _settle(number, "passed_over")


def _settle(number: int, state: Literal["celebrated", "passed_over"]) -> None:
    from keepwell.jobs.milestone import do_settle_milestone
    from keepwell.store.read.milestone import access_milestone

    found = access_milestone(shell_member(), number)
    if found is None:
        raise UserError(f"There is no milestone {number}. 'keepwell milestones --state all' shows their numbers.")
    do_settle_milestone(found, state, by=operator(), now=SystemClock().now())
    typer.echo(f"Milestone {number} at {found.account} is {state.replace('_', ' ')}.")
