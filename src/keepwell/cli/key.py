"""keepwell key: what senders and programs show to be let in."""

import json
from datetime import datetime, timedelta
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.cli.init import operator
from keepwell.cli.source import show_table
from keepwell.cli.start import start

app = typer.Typer(help="What senders and programs show to be let in.", no_args_is_help=True)


@app.command()
def create(
    kind: Annotated[str, typer.Option(help="ing (browsers), srv (servers), red (reads) or adm (manages).")],
    source: Annotated[str | None, typer.Option(help="That an ing or srv key sends for.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="Of a red or adm key, such as accounts:read; otherwise all.")
    ] = None,
    address: Annotated[
        list[str] | None, typer.Option(help="From which alone it may be used; an adm key needs one.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="That it is good for; an adm key at most 90.")] = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a key; it is shown once."""
    start()
    from keepwell.jobs.key import do_create_key

    key, text = do_create_key(
        kind,
        source=source,
        scopes=scope,
        addresses=address or (),
        lifetime=None if days is None else timedelta(days=days),
        note=note,
        by=operator(),
        now=SystemClock().now(),
    )
    typer.echo(f"Key:       {text}")
    if key.scopes:
        typer.echo(f"May:       {', '.join(key.scopes)}")
    if key.expires_at:
        typer.echo(f"Good till: {key.expires_at:%d %b %Y, %H:%M} UTC")
    typer.echo(f"The key is not shown again; it is called {key} from now on.")


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Show every key by how it is called, never the key itself."""
    start()
    from keepwell.store.read.source import key_rows

    now = SystemClock().now()
    rows = key_rows()
    if as_json:
        found = [
            {
                "name": row.name,
                "kind": row.kind,
                "source": row.source_name or None,
                "scopes": list(row.scopes),
                "addresses": list(row.addresses),
                "note": row.note,
                "created_at": _stamp(row.created_at),
                "created_by": row.created_by,
                "expires_at": _stamp(row.expires_at),
                "revoked_at": _stamp(row.revoked_at),
                "leaked_at": _stamp(row.leaked_at),
                "last_used_at": _stamp(row.last_used_at),
            }
            for row in rows
        ]
        typer.echo(json.dumps(found, indent=1))
        return
    if not rows:
        typer.echo("There is no key yet. Make one with: keepwell key create --source NAME --kind srv")
        return
    lines = [("key", "for", "state", "made", "last used", "note")]
    for row in rows:
        used = f"{row.last_used_at:%d %b %Y}" if row.last_used_at else "never"
        lines.append(
            (row.name, row.source_name or "the API", row.state(now), f"{row.created_at:%d %b %Y}", used, row.note)
        )
    show_table(lines)


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="How the key is called, such as ing_Ab3dEf9h.")]) -> None:
    """End a key; whoever holds it is refused within seconds."""
    start()
    from keepwell.jobs.key import do_revoke_key

    key = do_revoke_key(name, by=operator(), now=SystemClock().now())
    typer.echo(f"{key} is revoked.")


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
