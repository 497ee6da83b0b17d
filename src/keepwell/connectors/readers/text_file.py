"""Opening text files: gzip, byte order mark, and which encoding the bytes are in."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from keepwell.base.errors import UserError

CHUNK: Final = 1 << 20
PYTHON_NAMES: Final = {"utf-8": "utf-8-sig", "latin-1": "latin-1", "windows-1252": "cp1252"}
WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


class TextFile:
    """A text file on disk, plain or gzip (told by its first bytes, not its name)."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        """`encoding` None looks at all bytes: what is not UTF-8 anywhere is read as Windows-1252 or Latin-1."""
        self.path = path
        self.size = path.stat().st_size
        if not self.size:
            raise UserError(f"{path} is empty (0 bytes); nothing was imported.")
        with path.open("rb") as file:
            start = file.read(4)
        self.is_gzip = start.startswith(b"\x1f\x8b")
        with self._bytes() as (_, content):
            if content.read(4).startswith(WIDE_MARKS):
                raise UserError(f"{path} is UTF-16 or UTF-32 text; save it as UTF-8 and import it again.")
        self.encoding = encoding or self._found_encoding()
        self.is_guessed = encoding is None and self.encoding != "utf-8"

    @contextmanager
    def lines(self) -> Iterator[tuple["Position", io.TextIOBase]]:
        """Physical lines with their endings; bytes that are not in the encoding become lone surrogates."""
        with self._bytes() as (raw, content):
            text = io.TextIOWrapper(content, encoding=PYTHON_NAMES[self.encoding], errors="surrogateescape", newline="")
            yield Position(raw), text

    def originals(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of the given physical lines, which ascend and do not overlap, without the last line ending."""
        codec = PYTHON_NAMES[self.encoding].removesuffix("-sig")
        wanted = iter(places)
        place = next(wanted, None)
        kept: list[str] = []
        with self.lines() as (_, text):
            for number, line in enumerate(text, 1):
                if place is None:
                    return
                if number < place[0]:
                    continue
                kept.append(line)
                if number == place[1]:
                    yield "".join(kept).rstrip("\r\n").encode(codec, "surrogateescape")
                    kept.clear()
                    place = next(wanted, None)

    @contextmanager
    def _bytes(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        with self.path.open("rb") as raw:
            try:
                yield raw, cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if self.is_gzip else raw
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                sentence = f"{self.path} is a damaged gzip file ({error}); nothing was imported. Fetch it again."
                raise UserError(sentence) from error

    def _found_encoding(self) -> str:
        # A file with any proper multi-byte UTF-8 text is UTF-8; rows of it that are not are rejected one by one.
        # A file in which nothing beyond ASCII is UTF-8 was written in an encoding of one byte a sign.
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        broken, high = False, set[int]()
        with self._bytes() as (_, content):
            while chunk := content.read(CHUNK):
                if chunk.isascii():
                    continue
                text = decoder.decode(chunk)
                signs = {sign for sign in set(text) if sign >= "\x80"}
                escaped = {ord(sign) - 0xDC00 for sign in signs if "\udc80" <= sign <= "\udcff"}
                if len(signs) > len(escaped) + ("\ufeff" in signs):
                    return "utf-8"
                high |= escaped
                broken = broken or bool(escaped)
        if not broken:
            return "utf-8"
        return (
            "latin-1" if high & {0x81, 0x8D, 0x8F, 0x90, 0x9D} or not high & set(range(0x80, 0xA0)) else "windows-1252"
        )


class Position:
    """How many bytes of the file on disk have been read."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def __int__(self) -> int:
        return self._raw.tell()
