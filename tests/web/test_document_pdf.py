"""Documents as PDF: real text, every letter that there is, and no socket."""

import io
import re
import socket
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from keepwell.base.marked_text import Block, Run, read_blocks
from keepwell.web.document_pdf import BOX, NOT_IN_FONT, PdfPage, document_pdf

MADE_AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def page(*blocks: Block, title: str = "Report", basis: tuple[tuple[str, str], ...] = ()) -> PdfPage:
    return PdfPage(title, ("Acme", "As of 28 November 2026"), blocks, basis, MADE_AT)


def paragraph(text: str) -> Block:
    return Block("paragraph", [Run(text)])


def text_of(pdf: bytes) -> str:
    pages = [one.extract_text() for one in PdfReader(io.BytesIO(pdf)).pages]
    return re.sub(r"\s+", " ", " ".join(pages))


@pytest.mark.requirement("A060")
def test_the_text_can_be_read_out_again() -> None:
    blocks = read_blocks("<h2>Worth</h2><p>About <strong>46 hours</strong>, worth €2,300.</p><ul><li>Größe</li></ul>")
    found = text_of(document_pdf(page(*blocks, basis=(("Hours.", "Assumed: 12 min each."),))))
    for told in ("Report", "Acme", "As of 28 November 2026", "About 46 hours, worth €2,300.", "• Größe",
                 "What the numbers rest on", "Hours. Assumed: 12 min each."):  # fmt: skip
        assert told in found
    assert NOT_IN_FONT not in found


@pytest.mark.parametrize("word", ["Łódź", "Ünïcødé", "Αθήνα", "Київ", "100 € ≈ £86", "“quoted” – yes…", "−35%"])
def test_letters_of_many_languages_are_there(word: str) -> None:
    found = text_of(document_pdf(page(paragraph(word), title=word)))
    assert found.count(word) == 2
    assert BOX not in found


@pytest.mark.parametrize("word", ["東京", "서울", "🎉", "a\u0007b"])
def test_a_letter_that_the_font_lacks_becomes_a_box_and_is_said(word: str) -> None:
    found = text_of(document_pdf(page(paragraph(f"In {word} today"))))
    assert BOX in found
    assert "today" in found
    assert NOT_IN_FONT.partition(" ")[2] in found


def test_a_long_document_goes_on_over_pages_and_a_long_word_over_lines() -> None:
    blocks = [
        paragraph(f"Paragraph {at} of a document that is long enough to need further pages.") for at in range(120)
    ]
    pdf = document_pdf(page(*blocks, paragraph("x" * 1000)))
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 2
    found = text_of(pdf)
    assert all(f"Paragraph {at} of" in found for at in range(120))
    assert found.count("x") == 1000


def test_a_word_is_cut_only_where_no_line_holds_it() -> None:
    for length in range(40, 90):
        found = text_of(
            document_pdf(page(Block("item", [Run("a" * length + " ", is_strong=True), Run("Assumed: all.")])))
        )
        assert "Assumed:" in found, length


def test_the_same_document_gives_the_same_bytes() -> None:
    assert document_pdf(page(paragraph("Hi"))) == document_pdf(page(paragraph("Hi")))


def test_no_socket_opens_while_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """S20."""

    def refuse(*_: object, **__: object) -> socket.socket:
        raise AssertionError("A socket was opened.")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    hostile = (
        '<p>Hi <img src="http://internal/x"> <link href="http://internal/x"> <style>@import "http://internal"</style>'
    )
    pdf = document_pdf(page(*read_blocks(hostile + '<a href="https://a.example/x">there</a></p>'), title="<img src=x>"))
    assert "Hi there" in text_of(pdf).replace("  ", " ")
    assert b"internal" not in pdf


def test_links_lead_where_they_say_and_values_stay_words() -> None:
    pdf = document_pdf(page(*read_blocks('<p><a href="https://a.example/x">there</a> &lt;b&gt;bold&lt;/b&gt;</p>')))
    links = [one.get_object()["/A"]["/URI"] for one in PdfReader(io.BytesIO(pdf)).pages[0]["/Annots"]]
    assert links == ["https://a.example/x"]
    assert "<b>bold</b>" in text_of(pdf)
