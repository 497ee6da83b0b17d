"""The settings of templates, and a whole folder of them at once."""

import pytest

from keepwell.base.errors import PackageError
from keepwell.playbooks.template_book import TemplateText, inspect_templates, load_templates
from tests.packages.shipped import shipped
from tests.unit.playbooks.template_world import SETTINGS_TEXT, text_of

# Those of the world, with numbers alone and each of them known.
SETTINGS = "\n".join(
    line.replace("sample: ", "metric: active_days, sample: ") if "Share of" in line or "Days of" in line else line
    for line in SETTINGS_TEXT.split("\n")
    if "type: text" not in line
)
METRICS = {"active_days": shipped("saas").metrics["daily_active_rate"]}


def told(settings: str, **templates: str) -> list[str]:
    files = {"settings.yaml": settings, **{f"{name}.md": text for name, text in templates.items()}}
    return [str(issue) for issue in inspect_templates(TemplateText("templates", files, METRICS))]


def test_a_folder_that_is_right_has_nothing_to_say() -> None:
    assert told(SETTINGS, hello=text_of("Hi {{ contact.first_name }}.")) == []


def test_all_files_are_told_of_at_once() -> None:
    assert told(SETTINGS, one=text_of("{{ usage.dayz }}"), two=text_of("[Go](links.calender)")) == [
        "templates/one.md:6: 'usage' has no field 'dayz'. Did you mean 'days'?",
        "templates/two.md:6: unknown link 'calender'. Did you mean 'calendar'?",
    ]


@pytest.mark.parametrize(
    "url",
    ["http://harbour.example/x", "javascript:alert(1)", "https://a@evil.example/", "https://harbour.example/a b",
     "https://harbour.example/{{ account.name }}", "https://harbour.example/'x", "//harbour.example", "https://localhost",
     "https://harbour.example/\"x", "https://HARBOUR.example/"],
)  # fmt: skip
def test_links_are_https_to_a_plain_host(url: str) -> None:
    quoted = url.replace("'", "''")
    found = told(f"product: {{name: H}}\nlinks:\n  a: {{url: '{quoted}'}}\n")
    assert len(found) == 1
    assert found[0].startswith("templates/settings.yaml:3: 'url' must be a link such as https://")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("usage:\n  a: {type: share, about: x, sample: many}", "'sample' must be a finite number, 1 being all"),
        ("usage:\n  a: {type: date, about: x, sample: soon}", "'sample' must be a date such as 2027-03-01"),
        ("usage:\n  a: {type: records, about: x, sample: [a]}", "'type' must be text, number, share, date or texts"),
        ("usage:\n  a: {type: number, about: x, sample: 1, metric: active_day}", "Did you mean 'active_days'?"),
        ("offers:\n  a: {title: x, price: 5}", "a price and its 'currency' go together"),
        ("offers:\n  a: {title: x, price: 5, currency: dollars}", "three capital letters such as USD"),
        ("offers:\n  a: {title: x, minuts: 5}", "unknown key 'minuts'. Did you mean 'minutes'?"),
        ('roles:\n  ceo: {name: "A\\nB", title: CEO}', "'name' must be"),
        ("produkt: {name: x}", "unknown key 'produkt'. Did you mean 'product'?"),
    ],
)
def test_settings_that_make_no_sense_are_told_with_their_line(settings: str, sentence: str) -> None:
    found = told(f"product: {{name: H}}\n{settings}\n")
    assert [one for one in found if sentence in one and one.startswith("templates/settings.yaml:")], found


def test_made_up_settings_are_warned_of() -> None:
    (found,) = told(f"is_example: true\n{SETTINGS}")
    assert found.startswith("templates/settings.yaml:1: warning: 'is_example' is true")


def test_a_long_subject_is_warned_of_and_a_sample_that_cannot_be_shown_is_an_error() -> None:
    assert told(SETTINGS, a=text_of("Hi.", subject="x " * 40)) == [
        "templates/a.md:1: warning: the subject has 79 characters with the sample values; at most 70 are read."
    ]
    assert told(SETTINGS, a=text_of("{{ offer.minutes }}")) == [
        "templates/a.md:1: with the sample values: there is no value for offer.minutes."
    ]


def test_files_have_names_that_ids_can_have() -> None:
    text = TemplateText("templates", {"settings.yaml": SETTINGS, "Hello World.md": "", "a.txt": ""}, METRICS)
    assert [str(issue) for issue in inspect_templates(text)] == [
        f"templates/{name}:1: the name of a template is small letters, digits and underscores with .md behind them."
        for name in ("Hello World.md", "a.txt")
    ]


def test_without_settings_nothing_can_be_read() -> None:
    with pytest.raises(PackageError, match=r"templates/settings\.yaml:1: the file is missing; templates need it"):
        load_templates(TemplateText("templates", {"a.md": text_of("Hi.")}, {}))
