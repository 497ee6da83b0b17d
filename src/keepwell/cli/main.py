"""The command `keepwell`: groups of commands joined, one line each."""

import sys

import typer
from rich.console import Console

from keepwell.base.errors import UserError
from keepwell.cli import (
    alert,
    audit,
    contact,
    demo,
    doctor,
    import_file,
    init,
    key,
    mapping,
    member,
    milestone,
    model,
    notify,
    opportunity,
    playbook,
    pull,
    replay,
    score,
    secret,
    serve,
    source,
    template,
    today,
    worker,
)

# A command that ends well exits 0; one that is refused 1, with the reasons; wrong usage is 2, by typer itself.
REFUSED = 1

app = typer.Typer(
    name="keepwell",
    help="Watches the health of a company's customers and acts before they leave.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command("init")(init.init)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("doctor")(doctor.doctor)
app.command("import")(import_file.import_file)
app.command("pull")(pull.pull)
app.command("replay")(replay.replay)
app.command("replay-inside", hidden=True)(replay.replay_inside)
app.command("score")(score.score)
app.command("explain")(score.explain)
app.command("today")(today.today)
app.command("segments")(today.segments)
app.add_typer(alert.app, name="alerts")
app.add_typer(opportunity.app, name="opportunities")
app.add_typer(milestone.app, name="milestones")
app.add_typer(playbook.app, name="playbooks")
app.add_typer(model.app, name="model")
app.add_typer(template.app, name="templates")
app.add_typer(mapping.app, name="mapping")
app.add_typer(member.app, name="member")
app.add_typer(contact.app, name="contact")
app.add_typer(notify.app, name="notify")
app.add_typer(source.app, name="source")
app.add_typer(key.app, name="key")
app.add_typer(secret.app, name="secret")
app.add_typer(audit.app, name="audit")


def run() -> None:
    """The entry point. What the reader can mend is said in its own words; a bug of ours keeps its traceback."""
    try:
        app()
    except UserError as error:
        Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(str(error))
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
