"""keepwell model: check, show and publish health models."""

from pathlib import Path
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.init import operator
from keepwell.cli.issue import count, show_issues
from keepwell.cli.start import start, start_without_home

app = typer.Typer(no_args_is_help=True, help="Check, show and publish health models.")

PackageArgument = Annotated[str, typer.Argument(help="Id of a package, or the folder that holds one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]


CasesOption = Annotated[bool, typer.Option("--cases", help="Also try its cases.")]


@app.command("check")
def check(package: PackageArgument, as_json: JsonOption = False, cases: CasesOption = False) -> None:
    """Say everything that is wrong with a package, as file:line: sentence."""
    settings = start_without_home()
    from keepwell.health.checks.check import error
    from keepwell.jobs.package import find_folder, find_text
    from keepwell.jobs.playbook_case import try_playbook_cases
    from keepwell.jobs.signal_case import try_cases
    from keepwell.playbooks.check import inspect_with_playbooks

    home = Home(settings.home)
    text, others = find_text(home, package)
    issues = inspect_with_playbooks(text, others)
    folder = find_folder(home, package)
    is_tried = cases and not any(issue.level == "error" for issue in issues)
    tried = [*try_cases(text, others, folder), *try_playbook_cases(text, others, folder)] if is_tried else []
    failed = [error(problem) for file in tried for problem in file.problems]
    counted = f", {count(sum(file.cases for file in tried), 'case')} tried" if cases else ""
    show_issues([*issues, *failed], text.folder, last=counted, as_json=as_json)


@app.command("show")
def show(package: PackageArgument) -> None:
    """Print the weight tree of each health model of a package."""
    settings = start_without_home()
    from keepwell.health.load import load_package
    from keepwell.health.weight_tree import weight_tree_text
    from keepwell.jobs.package import find_text

    text, others = find_text(Home(settings.home), package)
    found = load_package(text, others)
    typer.echo("\n".join(weight_tree_text(found, model) for model in found.models.values()), nl=False)


@app.command("publish")
def publish(package: PackageArgument, note: Annotated[str, typer.Option(help="Why, for the history.")] = "") -> None:
    """Publish the health models of a package. It scores nothing and contacts nobody by itself."""
    settings = start()
    from keepwell.jobs.package import do_install_package, do_publish_package

    home, now = Home(settings.home), SystemClock().now()
    package_id = do_install_package(home, Path(package), by=operator(), now=now) if _is_folder(package) else package
    new, same = do_publish_package(home, package_id, note=note, by=operator(), now=now)
    for version in new:
        typer.echo(f"Published {version.model} version {version.number}.")
    for version in same:
        typer.echo(f"{version.model} is unchanged: version {version.number} stays.")
    if new:
        typer.echo("Score the accounts with: keepwell score")


def _is_folder(package: str) -> bool:
    return "/" in package or Path(package).is_dir()
