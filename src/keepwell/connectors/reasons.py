"""Why a row or an event could not be taken: codes that stay stable, each with a plain sentence."""

from dataclasses import dataclass
from typing import Final

REASONS: Final[dict[str, str]] = {
    "account_missing": "the account is empty.",
    "boolean_unreadable": "the value is neither true nor false; expected true, false, yes, no, 1 or 0.",
    "column_count": "the row has more or fewer columns than the header.",
    "condition_unreadable": "a condition compares this column as a number or a time, and the value is not one.",
    "event_unknown": "no catalogue knows an event of this name.",
    "id_too_long": "the id is longer than 512 characters.",
    "json_invalid": "the line is not a JSON object.",
    "message_id_missing": "one of the columns that make up the message id is empty.",
    "name_missing": "the column with the event's name is empty.",
    "nul": "the value holds a NUL character.",
    "number_not_finite": "the number is infinite or not a number.",
    "number_unreadable": "the value is not a number.",
    "not_utf8": "the row holds bytes that are not UTF-8; for a file in another encoding say so in the map.",
    "properties_invalid": "the properties are not a JSON object that can be kept as it is.",
    "quotes": "the quotes of the row do not match: one is opened and not closed, or text follows a closing one.",
    "time_ahead": "the time is more than 24 hours in the future.",
    "time_missing": "the time is empty.",
    "time_out_of_range": "the time lies before 1970 or after 9999.",
    "time_unreadable": "the time is in none of the formats that the map gives.",
    "too_long": "the value is longer than 8 KB.",
    "word_not_in_table": "the table of values does not hold this word.",
}


@dataclass(frozen=True, slots=True)
class RowReject:
    """A row that could not be read at all; lines are 1-based and count physical lines (rows, in Parquet)."""

    line: int
    last_line: int
    code: str
