"""keepwell score and keepwell explain: health scores, and why."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError, nearest
from keepwell.base.home import Home
from keepwell.cli.explanation import print_explanation
from keepwell.cli.init import operator
from keepwell.cli.signal import shell_member
from keepwell.cli.start import start

if TYPE_CHECKING:
    from keepwell.jobs.read_account import Change, Explanation
    from keepwell.store.models import ModelVersion

ModelOption = Annotated[str, typer.Option("--model", help="Only this health model, such as saas/saas.")]
AsOfOption = Annotated[
    str, typer.Option("--as-of", help="Moment, such as 2026-03-01 or 2026-03-01T12:00Z; now by default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def score(
    as_of: AsOfOption = "",
    account: Annotated[list[str] | None, typer.Option(help="Only this account; may be repeated.")] = None,
    model: ModelOption = "",
    history: Annotated[int, typer.Option(min=0, max=3650, help="Also score this many days before.")] = 0,
    every: Annotated[int, typer.Option(min=1, max=365, help="Days between the moments of the history.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Score all accounts, or some, under every published health model, and keep the result."""
    settings = start()
    from keepwell.jobs.mapping import do_derive_history
    from keepwell.jobs.score_accounts import do_score_accounts
    from keepwell.lake.duckdb_engine import embedded_engine

    home, engine, now = Home(settings.home), embedded_engine(), SystemClock().now()
    do_derive_history(home, by=operator(), now=now)
    moment = _moment(as_of, now)
    moments = [moment - timedelta(days=days) for days in range(0, history + 1, every)]
    accounts = [_account_id(key) for key in account] if account else None
    versions = _versions(model)
    told: list[dict[str, object]] = []
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
        bar = progress.add_task("Scoring", total=len(versions))
        for version in versions:
            runs = do_score_accounts(home, engine, version, moments, accounts=accounts, by=operator(), now=now)
            last = runs[-1]
            told.append(
                {
                    "model": version.model,
                    "version": version.number,
                    "as_of": last.as_of.isoformat(),
                    "moments": len(runs),
                    "known": last.known,
                    "unknown": last.unknown,
                    "ended": last.ended,
                }
            )
            progress.advance(bar)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    table = Table("Model", "Version", "As of", "Moments", "Scored", "Too little data", "Ended")
    for row in told:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


def explain(
    account: Annotated[str, typer.Argument(help="Id of the account.")],
    as_of: AsOfOption = "",
    since: Annotated[str, typer.Option(help="Why the score changed since this moment.")] = "",
    model: ModelOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what the score of an account is made of, and why it changed."""
    home = Home(start().home)
    from keepwell.jobs.read_account import account_change, account_explanation

    now = SystemClock().now()
    account_id, moment = _account_id(account), _moment(as_of, now)
    told: list[dict[str, object]] = []
    for version in _versions(model):
        found = account_explanation(home, account_id, version.model, moment)
        if found is None:
            raise UserError(
                f"{account} has no score under {version.model} as of {moment.isoformat()}: "
                "nothing was scored by then. Run 'keepwell score' first."
            )
        change = account_change(home, account_id, version.model, _moment(since, now), moment) if since else None
        told.append(_told(version.model, found, change) | _signals(account_id, moment, now))
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for entry in told:
        print_explanation(entry)


def _versions(model: str) -> list["ModelVersion"]:
    from keepwell.jobs.package import newest_versions

    found = newest_versions()
    if not found:
        raise UserError("No health model is published yet. Publish one with 'keepwell model publish saas'.")
    if not model:
        return found
    known = [version.model for version in found]
    if model not in known:
        there = ", ".join(known)
        raise UserError(f"No health model '{model}' is published.{nearest(model, known)} There are: {there}.")
    return [version for version in found if version.model == model]


def _account_id(key: str) -> int:
    from keepwell.store.models import Account

    found = Account.objects.filter(key=key).values_list("pk", flat=True).first()
    if found is None:
        near = nearest(key, list(Account.objects.values_list("key", flat=True)[:5000]))
        raise UserError(f"There is no account '{key}'.{near} Ids are compared letter by letter.")
    return found


def _moment(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"'{text}' is not a moment. Expected a date such as 2026-03-01, or a time such as 2026-03-01T12:00+01:00."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _told(model: str, found: "Explanation", change: "Change | None") -> dict[str, object]:
    told: dict[str, object] = {
        "model": model,
        "as_of": found.as_of.isoformat(),
        "score": _points(found.nano_points),
        "band": found.band or "unknown",
        "coverage": found.coverage,
        "trend": found.trend or None,
        "trend_change": _points(found.trend_nano),
        "measures": [
            {
                "metric": line.metric,
                "value": line.value,
                "points": _points(line.points_nano),
                "weight": _points(line.weight_nano),
            }
            for line in found.measures
        ],
    }
    if change is not None:
        told["change"] = {
            "since": change.before.as_of.isoformat(),
            "score_before": _points(change.before.nano_points),
            "points": _points(change.change_nano),
            "causes": [
                {"metric": line.metric, "cause": line.cause, "points": _points(line.change_nano)}
                for line in change.lines
            ],
        }
    return told


def _signals(account_id: int, moment: datetime, now: datetime) -> dict[str, object]:
    """What spoke for growth at the moment, and which alerts are open now."""
    from keepwell.jobs.alert_shape import alert_shapes
    from keepwell.jobs.growth_shape import expansion_signals
    from keepwell.store.models import Account
    from keepwell.store.read.alert import AlertFilter, access_alerts

    member, account = shell_member(), Account.objects.get(pk=account_id)
    alerts = access_alerts(member, AlertFilter(account=account_id), now=now)
    signs = expansion_signals(member, account, moment, now=now)
    return {
        "expansion_signals": [sign.model_dump(mode="json") for sign in signs],
        "open_alerts": [shape.model_dump(mode="json") for shape in alert_shapes(member, alerts, now=now)],
    }


def _points(nano: int | None) -> str | None:
    """Exact points as text: JSON numbers would round them."""
    return None if nano is None else f"{Decimal(nano).scaleb(-9):f}"
