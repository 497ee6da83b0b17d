"""Documents as blocks of words, whatever their HTML holds."""

import pytest

from keepwell.base.marked_text import Block, Run, read_blocks


def test_blocks_come_in_their_order_with_the_look_of_their_words() -> None:
    html = (
        "<h2>A &amp; B</h2>\n<p>One <strong>two</strong> <em>three</em><br />"
        '<a href="https://a.example/x?y=1&amp;z=2">four</a></p><ul><li>five</li><li>six</li></ul>'
    )
    assert [(block.kind, block.text.strip()) for block in read_blocks(html)] == [
        ("heading", "A & B"),
        ("paragraph", "One two three\nfour"),
        ("item", "five"),
        ("item", "six"),
    ]
    runs = read_blocks(html)[1].runs
    assert Run("two", is_strong=True) in runs
    assert Run("three", is_emphasised=True) in runs
    assert Run("four", href="https://a.example/x?y=1&z=2") in runs


@pytest.mark.parametrize(
    "html",
    [
        '<p>Hi<img src="http://internal/x" onerror="a()"></p>',
        '<p>Hi</p><link rel="stylesheet" href="http://internal/x">',
        "<p>Hi</p><style>@import url(http://internal/x)</style><script>a()</script>",
        '<p><a href="javascript:a()">Hi</a></p>',
        '<p><a href="http://internal/x">Hi</a></p>',
        '<object data="http://internal/x"><p>Hi</p></object>',
    ],
)
def test_nothing_is_left_that_could_be_loaded_or_run(html: str) -> None:
    (block,) = read_blocks(html)
    assert block == Block("paragraph", (Run("Hi"),))


def test_any_text_is_read() -> None:
    for html in ("", "<", "<p", "</p></p>", "<p>a<p>b", "<li>", "&#0;", "<![CDATA[x]]>", "<!-- <p>x</p> -->"):
        assert all(block.text.strip() for block in read_blocks(html))
