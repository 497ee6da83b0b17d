"""keepwell contact: which contacts want no more messages."""

from typing import TYPE_CHECKING, Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError, nearest
from keepwell.cli.init import operator
from keepwell.cli.signal import named_account
from keepwell.cli.start import start

if TYPE_CHECKING:
    from keepwell.store.models import Contact

app = typer.Typer(help="Which contacts want no more messages.", no_args_is_help=True)

# So long may handing over a message take.
FLIGHTS_S = 60.0
AccountArgument = Annotated[str, typer.Argument(help="The account, by its id or number.")]
ContactArgument = Annotated[str, typer.Argument(help="The contact, by its id or mail address.")]


@app.command("opt-out")
def opt_out(account: AccountArgument, contact: ContactArgument) -> None:
    """Send the contact no more messages; it holds for the mail address at every account."""
    start()
    from keepwell.jobs.opt_out import MEMBER, do_opt_out, wait_for_flights

    found = _named(account, contact)
    held = do_opt_out(found, way=MEMBER, by=operator(), now=SystemClock().now())
    others = f", and {len(held) - 1} more with the same mail address" if len(held) > 1 else ""
    typer.echo(f"{found} gets no more messages{others}.")
    if not wait_for_flights(held, FLIGHTS_S):
        typer.echo("One was already on its way and may still arrive.")


@app.command("opt-in")
def opt_in(account: AccountArgument, contact: ContactArgument) -> None:
    """Let the contact have messages again, where they asked for it; the same goes for the mail address everywhere."""
    start()
    from keepwell.jobs.opt_out import do_end_opt_out

    found = _named(account, contact)
    if do_end_opt_out(found, by=operator(), now=SystemClock().now()):
        typer.echo(f"{found} may get messages again. Enrolments that ended for it stay as they are.")
    else:
        typer.echo(f"{found} had not opted out.")


def _named(account: str, contact: str) -> "Contact":
    """The contact of the account by its key, or else by its address where only one has it."""
    from keepwell.store.models import Contact
    from keepwell.store.read.opt_out import plain_address

    asked = named_account(account)
    if asked is None:
        raise UserError("Name an account; 'keepwell score' lists them.")
    rows = list(Contact.objects.filter(account=asked).order_by("pk"))
    by_key = [one for one in rows if one.key == contact]
    by_address = [one for one in rows if contact.strip() and plain_address(one.email) == plain_address(contact)]
    found = by_key or by_address
    if not found:
        near = nearest(contact, [one.key for one in rows] + [one.email for one in rows if one.email])
        raise UserError(f"The account '{asked.key}' has no contact '{contact}'.{near}")
    return found[0]
