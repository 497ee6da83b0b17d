"""Values become text, whatever they hold; what is missing is named; nothing is fetched."""

import re
import time
from contextlib import suppress
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keepwell.playbooks.render import LARGEST_PART, Mail, MessageError
from keepwell.playbooks.template_field import LONGEST_LIST, LONGEST_TEXT, MOST_ENTRIES
from tests.unit.playbooks.template_world import rendered, sample, settings, template

BODY = """Hi {{ contact.first_name }},

**{{ account.name }}** has *{{ account.plan }}*, see [the offer for {{ account.name }}](links.upgrade).

{% for reason in reasons %}
- {{ reason.title }}: {{ reason.sentence }}
{% endfor %}

{% for name in usage.unused %}
- {{ name }}
{% endfor %}

[Talk to {{ csm.first_name }}](links.calendar)
"""
HEAD = {
    "subject": "'About {{ account.name }}'",
    "preheader": "'For {{ contact.first_name }}'",
    "from_role": "csm",
    "call_to_action": "calendar",
}
HOSTILE = (
    "{{ 7*7 }}",
    "{% for a in b %}",
    "{# x #}",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "'\" onclick='x",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/a.png)",
    "</p></td></table><script>x</script>",
    "<!--[if mso]>",
    "{% endraw %}{{ sender }}",
    "**bold** _it_ `code` # h",
    "KwSlottext0KwSlot",
    "&lt;b&gt;",
    "\u202eevil",
)


class Structure(HTMLParser):
    """Tags and attributes of a page without their text; title and label hold the subject, so their values are left."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [(name, value if name != "aria-label" else "") for name, value in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"comment {data}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def structure(html: str) -> list[object]:
    parser = Structure()
    parser.feed(html)
    parser.close()
    return parser.found


def words(html: str) -> str:
    """What stands in the body of a page, one space between words."""
    parser = Structure()
    parser.feed(re.sub(r"(?s)<head>.*?</head>", "", html))
    parser.close()
    return " ".join(" ".join(parser.text).split())


def filled(value: str) -> dict[str, Any]:
    """Every text of the samples replaced by this value, save for dates and currencies."""
    found = sample()
    for root in ("contact", "account", "csm"):
        kept = ("currency", "renewal_on")
        found[root] = {name: old if name in kept or not isinstance(old, str) else value
                       for name, old in found[root].items()}  # fmt: skip
    found["reasons"] = [{"title": value, "sentence": value}]
    found["usage"]["unused"] = [value, value]
    return found


PLAIN = structure(rendered(BODY, filled("plain") | {"usage": sample()["usage"]}, **HEAD).html)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_shown_as_text(value: str) -> None:
    mail = rendered(BODY, filled(value), **HEAD)
    shown = value.replace("\u202e", "")
    assert structure(mail.html) == PLAIN
    assert mail.subject == f"About {shown}"
    assert mail.text.count(shown) == 11
    assert " ".join(shown.split()) in words(mail.html)
    assert not re.search(r'(?:href|src)="[^"]*(?:evil|javascript)', mail.html)


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Zl", "Zp", "Cs"]), min_size=1, max_size=200))
@example("{{ 7*7 }}")
def test_no_value_changes_the_structure_of_the_html(value: str) -> None:
    if not value.strip() or not re.sub("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", value).strip():
        return
    assert structure(rendered(BODY, filled(value), **HEAD).html) == PLAIN


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_in_the_body_keeps_lines_and_structure(one: str, other: str) -> None:
    """Line breaks and controls in a value become spaces: the text part has the same lines as with plain values."""
    context = filled("plain")
    context["usage"]["unused"] = [f"a{one}", f"b{other}"]
    mail = rendered(BODY, context, **HEAD)
    assert structure(mail.html) == PLAIN
    assert len(mail.text.split("\n")) == len(rendered(BODY, filled("plain"), **HEAD).text.split("\n"))
    assert mail.text.encode("utf-8")


@pytest.mark.parametrize(
    "mark", ["\r\nBcc: evil@example.org", "\n", "\r", "\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\0"]
)
def test_a_line_break_in_a_value_of_the_subject_is_refused_by_name(mark: str) -> None:
    context = filled("plain")
    context["account"]["name"] = f"Acme{mark}x"
    with pytest.raises(MessageError, match=rf"must be one line; it would hold U\+{ord(mark[0]):04X}") as refused:
        rendered(BODY, context, **HEAD)
    assert "It comes from account.name." in str(refused.value)


def test_a_subject_that_passes_is_a_header() -> None:
    for value in HOSTILE:
        mail = EmailMessage()
        mail["Subject"] = rendered(BODY, filled(value), **HEAD).subject
        assert len(mail.items()) == 1


def test_the_text_part_holds_the_same_words_and_addresses() -> None:
    mail = rendered(BODY, **HEAD)
    seen = words(mail.html)
    for line in mail.text.splitlines():
        plain = re.sub(r":? \(?https://\S+?\)?(?=[.]?$)", "", line.removeprefix("- "))
        assert all(part in seen for part in re.findall(r"[\w*]+", plain)), line
    assert set(re.findall(r'href="(https://[^"]+)"', mail.html)) == {
        "https://harbour.example/talk?with=a&amp;for=b", "https://harbour.example/upgrade"
    }  # fmt: skip
    assert re.findall(r"https://[^\s)]+", mail.text) == [
        "https://harbour.example/upgrade", "https://harbour.example/talk?with=a&for=b"
    ]  # fmt: skip


def test_the_text_part_reads_well() -> None:
    assert rendered(BODY, **HEAD).text == (
        "Hi Ada,\n\nAcme has Team, see the offer for Acme (https://harbour.example/upgrade).\n\n"
        "- Payment health: The last payment did not go through.\n\n- Views\n- Exports\n\n"
        "Talk to Sam: https://harbour.example/talk?with=a&for=b\n\nSam Sample\nCustomer Success Manager\n"
    )


def test_items_that_come_by_if_and_for_are_items_of_one_list() -> None:
    body = "- a\n{% if usage.days > 3 %}\n- b\n{% endif %}\n- c"
    mail = rendered(body)
    assert (mail.text, mail.html.count("<ul"), mail.html.count("<li")) == ("- a\n- b\n- c\n", 1, 3)
    few = sample()
    few["usage"]["days"] = 1
    assert rendered(body, few).text == "- a\n- c\n"


def test_nothing_is_fetched_from_elsewhere() -> None:
    html = rendered(BODY, **HEAD).html
    assert not re.search(r"(?i)\bsrc\s*=|<link|<img|<script|<iframe|@import|url\(|background\s*=\s*\"http|srcset", html)
    outside = {url for url in re.findall(r"https?://[^\"'\s)<]+", html) if "harbour.example" not in url}
    assert outside == {"http://www.w3.org/1999/xhtml"}


def test_missing_fields_are_named_all_at_once() -> None:
    context = sample()
    del context["contact"]["first_name"]
    context["account"]["plan"] = "  "
    context["reasons"] = []
    del context["csm"]
    with pytest.raises(MessageError) as refused:
        rendered(BODY, context, **HEAD)
    assert refused.value.missing == (
        "account.plan", "contact.first_name", "csm.first_name", "csm.name", "csm.title", "reasons"
    )  # fmt: skip
    assert "template 't': there is no value for contact.first_name." in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        "{{ usage.days }}", "{{ usage.days | plural('day') }}", "{% if usage.days > 3 %}a{% else %}b{% endif %}",
        "{% if usage.days == 3 %}a{% endif %}b", "{% if usage.days != 3 %}a{% endif %}b",
        "{% if not usage.days %}{{ usage.days }}{% endif %}",
    ],
)  # fmt: skip
def test_a_missing_field_leaves_no_hole(body: str) -> None:
    context = sample()
    del context["usage"]["days"]
    with pytest.raises(MessageError, match=r"there is no value for usage\.days"):
        rendered(body, context)


@pytest.mark.parametrize("guard", ["usage.days", "usage.days is defined", "usage.days is defined and usage.days > 3"])
def test_a_field_that_is_asked_for_may_be_missing(guard: str) -> None:
    body = f"Hello{{% if {guard} %}}, {{{{ usage.days }}}} days{{% endif %}}."
    context = sample()
    assert rendered(body, context).text == "Hello, 12 days.\n"
    del context["usage"]["days"]
    assert rendered(body, context).text == "Hello.\n"


def test_zero_is_a_value() -> None:
    context = sample()
    context["usage"]["days"] = 0
    assert rendered("{{ usage.days | plural('day') }}", context).text == "0 days\n"


class Trap:
    """An object with a method; it must never get into a template."""

    def __str__(self) -> str:
        raise AssertionError("An object was shown.")


@pytest.mark.parametrize(
    ("root", "name", "value", "sentence"),
    [
        ("account", "name", Trap(), "account.name must be text of at most 1000 characters."),
        ("account", "name", 7, "account.name must be text"),
        ("account", "name", "x" * (LONGEST_TEXT + 1), "account.name must be text of at most 1000 characters."),
        ("account", "renewal_on", "tomorrow", "account.renewal_on must be a date such as 2027-03-01."),
        ("usage", "days", True, "usage.days must be a finite number."),
        ("usage", "days", float("nan"), "usage.days must be a finite number."),
        ("usage", "days", "12", "usage.days must be a finite number."),
        ("usage", "unused", ["x"] * (MOST_ENTRIES + 1), "usage.unused must be a list of at most 20 entries"),
        ("usage", "unused", ["x" * 250] * 17, "4000 together"),
        ("reasons", 0, {"title": Trap()}, "reasons must be a list of at most 20 records"),
        ("usage", "unused", [Trap()], "usage.unused must be a list"),
    ],
)
def test_only_plain_values_of_the_type_get_in(root: str, name: Any, value: object, sentence: str) -> None:
    context = sample()
    context[root][name] = value
    with pytest.raises(MessageError) as refused:
        rendered("Hi.", context)
    assert sentence in str(refused.value)


def test_a_field_may_be_called_like_a_method() -> None:
    context = sample()
    assert rendered("{{ usage.values }}", context).text == "kindness\n"
    del context["usage"]["values"]
    with pytest.raises(MessageError, match=r"usage\.values"):
        rendered("{{ usage.values }}", context)


def test_what_is_no_field_is_left_out() -> None:
    context = sample()
    context["account"]["secret"] = Trap()
    context["settings"] = {"SECRET_KEY": Trap()}
    assert rendered("Hi {{ account.name }}.", context).text == "Hi Acme.\n"


def test_the_signer_is_the_role_of_the_settings_or_the_csm() -> None:
    assert rendered("Hi.", from_role="ceo").text == "Hi.\n\nRobin Sample\nCEO & Founder\n"
    assert "Robin Sample<br />CEO &amp; Founder" in rendered("Hi.", from_role="ceo").html
    assert rendered("Hi.", from_role="csm").text == "Hi.\n\nSam Sample\nCustomer Success Manager\n"


def test_numbers_are_written_for_people() -> None:
    context = sample()
    context["usage"].update(days=1234.5, share=0.056)
    body = (
        "{{ usage.days }}|{{ usage.share | percent }}|{{ usage.days | money(account.currency) }}|"
        "{{ account.renewal_on | date }}|{{ usage.unused | sentence }}|{{ usage.unused | join }}|"
        "{{ usage.unused | first }}"
    )
    assert rendered(body, context).text == "1,234|5.6%|$1,234.50|1 March 2027|Views and Exports|Views, Exports|Views\n"


# The most work that a template can ask for: 16 KB of loops over full lists.
HEAVY = {
    "silent loops": "{% for a in usage.unused %}{% if a == 'x' %}{% endif %}{% endfor %}",
    "long texts": "{% for a in usage.unused %}{{ a | upper }}{% endfor %}",
    "long joins": "{{ usage.unused | join }}",
    "chains of filters": "{% if usage.unused | sentence" + "|title" * 13 + " == 'x' %}{% endif %}",
    "chains in loops": "{% for a in usage.unused %}{% if a" + "|title" * 13 + " == 'x' %}{% endif %}{% endfor %}",
    "sentences": "{% if usage.unused | sentence == 'x' %}{% endif %}",
}


@pytest.mark.parametrize("part", HEAVY.values(), ids=HEAVY)
def test_the_heaviest_template_ends_in_time(part: str) -> None:
    context = sample()
    context["usage"]["unused"] = ["<" * (LONGEST_LIST // MOST_ENTRIES)] * MOST_ENTRIES
    mail = Mail(template("Hi.\n\n" + part * (16_000 // len(part))), settings())
    spent = []
    for _ in range(3):
        begun = time.process_time()
        with suppress(MessageError):
            assert len(mail.rendered(context).html.encode()) <= LARGEST_PART
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.2


def test_a_message_is_at_most_100_kb() -> None:
    context = sample()
    context["usage"]["unused"] = ["x" * LONGEST_TEXT] * 4
    with pytest.raises(MessageError, match="the message is larger than 100 KB"):
        rendered("{{ usage.unused | join }}" * 26, context)
