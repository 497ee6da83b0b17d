"""What a template may hold: everything else is refused with line and construct, all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.playbooks.template import read_template
from keepwell.playbooks.template_filter import FILTERS
from tests.unit.playbooks.template_world import BODY_LINE, problems, reading, settings, template

CALL = "a call is not allowed in a template"
ARITHMETIC = "arithmetic is not allowed in a template"

# The kinds of hostile or broken templates, and what is said of each.
ATTACKS = {
    "class of a record": ("{{ account.__class__ }}", "'__class__' begins with an underscore"),
    "bases": ("{{ account.name.__class__.__mro__ }}", "'__mro__' begins with an underscore"),
    "globals by cycler": ("{{ cycler.__init__.__globals__ }}", "unknown name 'cycler'"),
    "globals by lipsum": ("{{ lipsum.__globals__ }}", "unknown name 'lipsum'"),
    "attr": ("{{ account.name | attr('__class__') }}", "unknown filter 'attr'"),
    "attr of format": ("{{ (account.name | attr('format'))(account) }}", CALL),
    "format": ("{{ '{0.__class__}'.format(account) }}", CALL),
    "private": ("{{ account._secret }}", "'_secret' begins with an underscore"),
    "change of a list": ("{{ usage.unused.append('x') }}", CALL),
    "change of a mapping": ("{{ account.update({'name': 'x'}) }}", CALL),
    "long range": ("{% for i in range(100001) %}x{% endfor %}", CALL),
    "include": ("{% include 'other.md' %}", "'include' is not allowed"),
    "import": ("{% import 'other.md' as other %}", "'import' is not allowed"),
    "from import": ("{% from 'other.md' import name %}", "'import' is not allowed"),
    "extends": ("{% extends 'other.md' %}", "'extends' is not allowed"),
    "method": ("{{ account.delete() }}", CALL),
    "attribute of an object": ("{{ account.settings.SECRET_KEY }}", "a field has one point"),
    "repetition": ("{{ 'A' * 1000000000 }}", ARITHMETIC),
    "loops in loops": (
        "{% for a in usage.unused %}{% for b in usage.unused %}x{% endfor %}{% endfor %}",
        "a 'for' inside a 'for' is not allowed",
    ),
    "wide padding": ("{{ account.name | center(1000000000) }}", "unknown filter 'center'"),
    "deep indent": ("{{ account.name | indent(1000000000) }}", "unknown filter 'indent'"),
    "much filler": ("{{ lipsum(n=100000) }}", CALL),
    "wide format": ("{{ '%1000000000d' % 1 }}", ARITHMETIC),
    "set": ("{% set x = account.name %}", "'set' is not allowed"),
    "macro": ("{% macro m() %}x{% endmacro %}", "'macro' is not allowed"),
    "call block": ("{% call m() %}x{% endcall %}", "'call' is not allowed"),
    "power": ("{{ 9**9**9 }}", ARITHMETIC),
    # Further ones that the shape of the language allows.
    "subscript": ("{{ account['name'] }}", "square brackets"),
    "number behind a point": ("{{ reasons.0 }}", "square brackets"),
    "slice": ("{{ account.name[::-1] }}", "square brackets"),
    "glue": ("{{ account.name ~ contact.name }}", "'~' is not allowed"),
    "fixed text": ("{{ '50%' }}", "a fixed value is not allowed"),
    "fixed text by a filter": ("{{ 'x' | upper }}", "a fixed value is not allowed"),
    "list": ("{{ [account.name] }}", "a list is not allowed"),
    "mapping": ("{{ {'a': account.name} }}", "a mapping is not allowed"),
    "if inside": ("{{ account.name if account.name else 'you' }}", "an 'if' inside an expression is not allowed"),
    "block": ("{% block a %}x{% endblock %}", "'block' is not allowed"),
    "with": ("{% with a = account.name %}x{% endwith %}", "'with' is not allowed"),
    "filter block": ("{% filter upper %}x{% endfilter %}", "a 'filter' block is not allowed"),
    "autoescape": ("{% autoescape false %}{{ account.name }}{% endautoescape %}", "'autoescape' is not allowed"),
    "safe": ("{{ account.name | safe }}", "unknown filter 'safe'"),
    "raw": ("{% raw %}x{% endraw %}", "'raw' is not allowed"),
    "do": ("{% do account.clear() %}", "unknown tag 'do'"),
    "self": ("{{ self }}", "unknown name 'self'"),
    "loop": ("{% for one in usage.unused %}{{ loop.index }}{% endfor %}", "unknown name 'loop'"),
    "recursive loop": ("{% for one in usage.unused recursive %}x{% endfor %}", "a 'for' may only be"),
    "loop with condition": ("{% for one in usage.unused if one %}x{% endfor %}", "a 'for' may only be"),
    "loop over text": ("{% for one in account.name %}x{% endfor %}", "a 'for' goes over a list"),
    "loop named like a record": ("{% for account in reasons %}x{% endfor %}", "a 'for' needs one name of its own"),
    "unpacking": ("{% for a, b in reasons %}x{% endfor %}", "a 'for' needs one name of its own"),
    "other test": ("{% if account.name is string %}x{% endif %}", "the test 'string' is not allowed"),
    "in": ("{% if 'a' in account.name %}x{% endif %}", "'in' is not allowed"),
    "chain": ("{% if usage.days < usage.days < usage.days %}x{% endif %}", "a chain of comparisons"),
    "types that do not go together": ("{% if account.name > usage.days %}x{% endif %}", "text and number cannot be"),
    "or in place of a missing value": ("{{ contact.first_name or 'there' }}", "'or' is not allowed in a template"),
    "minus a field": ("{% if usage.days > -usage.days %}x{% endif %}", ARITHMETIC),
    "minus a text": ("{% if usage.days > -'x' %}x{% endif %}", ARITHMETIC),
    "true": ("{% if account.name == true %}x{% endif %}", "a fixed value is not allowed"),
    "names for arguments": ("{{ account.name | truncate(length=3) }}", "takes 1 values in its brackets, without names"),
    "deep brackets": ("{{ " + "(" * 5000 + "account.name" + ")" * 5000 + " }}", "nested too deeply"),
    "deep negation": ("{% if " + "not " * 3900 + "account.name %}x{% endif %}", "nested too deeply"),
    "endless chain": ("{{ account.name" + " | title" * 1500 + " }}", "nested too deeply"),
    "chain of filters": ("{{ account.name" + " | title" * 50 + " }}", "nested too deeply"),
    "deep statements": ("{% if account.name %}" * 50 + "x" + "{% endif %}" * 50, "nested too deeply"),
    "endless number": ("{% if usage.days > " + "9" * 5000 + " %}x{% endif %}", "a number that is too long"),
    "brace by escape": ("{\\{ account.__class__ }}", "a brace stands alone"),
    "brace by emphasis": ("{*{* account.__class__ }}", "a brace stands alone"),
    "brace by entity": ("&lbrace;{ account.__class__ }}", "HTML is not read"),
    "more lines than one": ("{{ account.name\n| upper }}", "must stand on one line"),
    "huge": ("a " * 10_000, "more than 16384 bytes"),
}


NO_LINE = ("nested too deeply", "more than 16384 bytes", "a number that is too long")


@pytest.mark.parametrize(("attack", "sentence"), ATTACKS.values(), ids=ATTACKS)
def test_attacks_are_refused_with_line_and_construct(attack: str, sentence: str) -> None:
    found = reading(f"Good day.\n\n{attack}\n")
    assert found.template is None
    told = [problem for problem in found.problems if sentence in problem.sentence]
    assert told, found.problems
    # What Jinja2's parser gives up on, or is not handed at all, has no line of its own.
    lines = {BODY_LINE, BODY_LINE + 2} if sentence in NO_LINE else {BODY_LINE + 2}
    assert {(problem.file, problem.line in lines) for problem in told} == {("t.md", True)}


# These rest on Markdown, which a subject is not: there they are words, or a line break that YAML makes a space.
ONLY_IN_BODIES = {"brace by escape", "brace by emphasis", "brace by entity", "more lines than one"}


@pytest.mark.parametrize("kind", sorted(ATTACKS.keys() - ONLY_IN_BODIES))
def test_a_subject_is_read_as_strictly_as_a_body(kind: str) -> None:
    quoted = ATTACKS[kind][0].replace("'", "''")
    assert reading("Good day.", subject=f"'{quoted}'").template is None


def test_an_attack_is_refused_wherever_it_hides() -> None:
    for around in ("{% if account.name %}@{% endif %}", "{% if usage.days > 3 %}x{% else %}@{% endif %}",
                   "{% for one in usage.unused %}@{% endfor %}", "[words @](links.calendar)", "- *@*"):  # fmt: skip
        assert [p for p in problems(around.replace("@", "{{ account.delete() }}")) if CALL in p], around
    for inside in ("{% if account.delete() %}x{% endif %}", "{% if account.name == account.delete() %}x{% endif %}",
                   "{% for one in account.delete() %}x{% endfor %}",
                   "{{ account.name | truncate(account.delete()) }}"):  # fmt: skip
        assert [p for p in problems(inside) if CALL in p], inside


ORDINARY = (
    "Hi {{ contact.first_name }},\n\nwe saw *{{ reasons | length | plural('reason') }}*.",
    "{% if usage.days is defined and not usage.days < 3 or account.plan == 'Team' %}Good.{% else %}Oh.{% endif %}",
    "{% for reason in reasons %}\n- **{{ reason.title }}:** {{ reason.sentence | lower }}\n{% endfor %}",
    "{% for name in usage.unused %}\n- {{ name | truncate(20) }}\n{% endfor %}\n\nAll: {{ usage.unused | sentence }}.",
    "{{ usage.share | percent }}, {{ usage.days | plural('day') }}, {{ account.renewal_on | date }}",
    "{{ usage.days | money(account.currency) }} and {{ usage.days | money('EUR') }}",
    "{% if score.change < -10 and score.value <= 39.5 %}Oh.{% endif %}Hello.",
    "{# A word to whoever edits this. #}\n\nHello, SOC 2 friends.",
)


@pytest.mark.parametrize("body", ORDINARY)
def test_ordinary_templates_are_accepted(body: str) -> None:
    assert problems(body) == []


def test_everything_wrong_is_told_at_once_with_the_nearest_names() -> None:
    body = "Hi {{ contact.firstname }},\n\n{{ acount.name }}\n\n[Go](links.calender)\n\n{{ usage.days | plurl('day') }}"
    assert problems(body, subject="'{{ product.nme }}'", from_role="coe", offer="cal", purpose="retenton") == [
        "t.md:4: 'purpose' must be 'retention', 'expansion' or 'service', not 'retenton'. Did you mean 'retention'?",
        "t.md:8: 'contact' has no field 'firstname'. Did you mean 'first_name'?",
        "t.md:10: unknown name 'acount'. Did you mean 'account'?",
        "t.md:12: unknown link 'calender'. Did you mean 'calendar'?",
        "t.md:14: unknown filter 'plurl'. Did you mean 'plural'?",
    ]
    assert problems("Hi.", subject="'{{ product.nme }}'", from_role="coe", offer="cal") == [
        "t.md:3: 'product' has no field 'nme'. Did you mean 'name'?",
        "t.md:5: unknown role 'coe'. Did you mean 'ceo'?",
        "t.md:6: unknown offer 'cal'. Did you mean 'call'?",
    ]


def test_a_field_is_shown_as_its_type_asks() -> None:
    assert problems("{{ usage.share }}") == ["t.md:6: usage.share is of type share; put '| percent' behind it."]
    assert problems("{{ account.renewal_on }}") == [
        "t.md:6: account.renewal_on is of type date; put '| date' behind it."
    ]
    assert problems("{{ usage.unused }}") == ["t.md:6: usage.unused is of type texts; put '| sentence' behind it."]
    assert problems("{{ account.name | percent }}") == ["t.md:6: the filter 'percent' stands behind share, not text."]
    assert problems("{{ account }}")[0].startswith("t.md:6: 'account' needs a point and a field behind it: name,")
    assert problems("{% for one in reasons %}{{ one }}{% endfor %}") == [
        "t.md:6: 'one' is a record; show one of its fields: title, sentence."
    ]


def test_there_are_fifteen_filters() -> None:
    assert len(FILTERS) == 15


@pytest.mark.parametrize(
    "fact",
    ["You saved 46 hours", "Save 50%", "Only $5", "It costs € a lot", "half the price", "fifty per cent off",
     "50 percent", "²", "Ⅳ", "½", "٣", "twice as fast", "[5 tips](links.upgrade)", "**24/7**"],
)  # fmt: skip
def test_a_fact_that_is_written_out_is_refused(fact: str) -> None:
    assert [p for p in problems(fact) if "is a fact written out" in p]
    plain = fact.replace("[", "").replace("](links.upgrade)", "").replace("*", "")
    assert [p for p in problems("Hi.", subject=f"'{plain}'") if p.startswith("t.md:3: ") and "fact" in p]
    assert [p for p in problems("Hi.", preheader=f"'{plain}'") if p.startswith("t.md:5: ") and "fact" in p]


def test_a_fact_does_not_hide_in_a_filter() -> None:
    assert [p for p in problems("{{ usage.unused | join(' 50% ') }}") if "'50%' is a fact written out" in p]


def test_numbers_in_comparisons_and_names_of_the_settings_are_no_facts() -> None:
    assert problems("{% if usage.days > 3 %}Good.{% endif %} We keep to SOC 2.") == []
    assert [p for p in problems("We keep to SOC 21.") if "'21.' is a fact" in p]


def test_a_call_of_so_many_minutes_is_a_property_of_its_offer() -> None:
    assert [p for p in problems("A 15-minute call") if "'15-minute' is a fact" in p]
    assert problems("A {{ offer.minutes }}-minute call", offer="call") == []


@pytest.mark.parametrize("mark", ["\\r\\nBcc: a@example.org", "\\n", "\\u2028", "\\v", "\\u0085", "\\0"])
def test_a_subject_is_one_line(mark: str) -> None:
    found = problems("Hi.", subject=f'"Hello{mark}"')
    assert [p for p in found if p.startswith("t.md:3: ")], found


def test_links_go_to_links_of_the_settings_only() -> None:
    for target in ("https://evil.example", "javascript:alert(1)", "//evil.example", "data:text/html,x", "calendar"):
        assert [p for p in problems(f"[Go]({target})") if "a link goes to 'links.<name>'" in p], target
    assert problems("Hi.", call_to_action="calendar") == [
        "t.md:5: the body holds no link to 'calendar': [words](links.calendar)."
    ]


@pytest.mark.parametrize("html", ["<b>x</b>", "<img src=x>", "<!-- x -->", "a &amp; b", "![x](links.calendar)"])
def test_html_and_images_are_not_read(html: str) -> None:
    assert problems(html) != []


def test_a_statement_ends_where_it_begins() -> None:
    for body in ("*a {% if usage.days %} b* c{% endif %}", "{% if usage.days %} a\n\nb {% endif %}",
                 "- a {% if usage.days %}\n- b {% endif %}"):  # fmt: skip
        assert [p for p in problems(body) if "'endif' stands in another paragraph" in p], body


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Hi.", "t.md:1: a template begins with a head between two lines of '---'."),
        ("---\ntitle: T\n", "t.md:1: a template begins with a head between two lines of '---'."),
        ("---\na: !!python/object/apply:os.system [x]\n---\nHi.", "the tag '!!python/object/apply:os.system'"),
        ("---\ntitle: a\ntitle: b\n---\nHi.", "t.md:3: the key 'title' is given twice; first on line 2."),
        ("---\ntitle: &a x\nsubject: *a\n---\nHi.", "repeats a value by reference"),
        ("---\ntitle: T\nsubject: S\npurpose: service\n---\n\n", "t.md:6: the body is empty."),
    ],
)
def test_a_broken_head_is_told(text: str, sentence: str) -> None:
    assert [p for p in read_template("t", "t.md", text, settings()).problems if sentence in str(p)]


@given(st.text(alphabet=st.sampled_from("{}%#-|._*[]()<>&\\ \n'\"ainforesu0"), max_size=60))
def test_no_text_breaks_the_reader(body: str) -> None:
    """Whatever is written, it is refused or becomes a template; nothing raises."""
    found = reading(body)
    assert (found.template is None) == bool(found.problems)


def test_the_template_keeps_its_head() -> None:
    found = template("Hi.", from_role="ceo")
    assert (found.head.from_role, found.head.subject, found.id) == ("ceo", "Hello", "t")
