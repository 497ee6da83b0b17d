"""Which reader reads a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from keepwell.base.errors import UserError
from keepwell.connectors.import_map import ImportMap
from keepwell.connectors.readers.csv_file import CsvFile
from keepwell.connectors.readers.jsonl_file import JsonlFile
from keepwell.connectors.readers.parquet_file import ParquetFile
from keepwell.connectors.readers.reader import FileReader

ENDINGS: Final = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip


def open_file(path: Path, import_map: ImportMap, named: Sequence[str] | None = None) -> FileReader:
    """The reader that the map's `format` or the file's ending says; `named` are the columns looked for.

    Raises UserError for a file that is empty, damaged, or of no known format.
    """
    columns = named if named is not None else [column for _, column in import_map.column_uses()]
    kind = (import_map.format if named is None else None) or ENDINGS.get(Path(path.name.removesuffix(".gz")).suffix)
    if kind == "csv":
        dialect = import_map.csv
        return CsvFile(path, dialect=dialect, encoding=import_map.encoding, named=columns, headless=import_map.columns)
    if kind == "jsonl":
        return JsonlFile(path, encoding=import_map.encoding)
    if kind == "parquet":
        return ParquetFile(path)
    endings = ", ".join(sorted(ENDINGS))
    raise UserError(f"{path} has none of the endings {endings} (or one with .gz); say `format:` in the map.")
