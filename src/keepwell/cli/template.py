"""keepwell templates: check and preview the messages of a package."""

import json
from typing import Annotated

import typer

from keepwell.base.errors import PackageError, UserError, nearest
from keepwell.base.home import Home
from keepwell.cli.issue import count, show_issues
from keepwell.cli.model import JsonOption, PackageArgument
from keepwell.cli.start import start_without_home

app = typer.Typer(no_args_is_help=True, help="Check and preview the messages of a package.")


@app.command("check")
def check(package: PackageArgument, as_json: JsonOption = False) -> None:
    """Say everything that is wrong with the templates of a package, as file:line: sentence."""
    settings = start_without_home()
    from keepwell.jobs.template import find_templates
    from keepwell.playbooks.template_book import ENDING, inspect_templates

    text = find_templates(Home(settings.home), package)
    counted = count(sum(name.endswith(ENDING) for name in text.files), "template")
    show_issues(inspect_templates(text), text.folder, first=f"{counted}, ", as_json=as_json)


@app.command("preview")
def preview(
    package: PackageArgument,
    template: Annotated[str, typer.Argument(help="Id of a template: the name of its file without .md.")],
    html: Annotated[bool, typer.Option("--html", help="Print the HTML part instead of subject and text.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a message as it would be with the sample values. Nothing is sent."""
    settings = start_without_home()
    from keepwell.jobs.template import find_templates
    from keepwell.playbooks.render import Mail
    from keepwell.playbooks.template_book import read_templates

    book, problems = read_templates(find_templates(Home(settings.home), package))
    found = book.templates.get(template) if book else None
    if book is None or found is None:
        if problems:
            raise PackageError(problems)
        known = sorted(book.templates) if book else []
        raise UserError(f"There is no template '{template}'.{nearest(template, known)} There are: {', '.join(known)}.")
    mail = Mail(found, book.settings).rendered(book.sample(found))
    if as_json:
        typer.echo(json.dumps({"subject": mail.subject, "text": mail.text, "html": mail.html}, indent=2))
    elif html:
        typer.echo(mail.html, nl=False)
    else:
        typer.echo(f"Subject: {mail.subject}\n\n{mail.text}", nl=False)
