"""Which files of the log may hold an event already, from the digests of its identity kept in memory.

Files never change, so each is read once by a process. Four bytes an event are kept. A file that holds an event is
always named; one that is named wrongly, once in 4,000,000,000 pairs of a new event and an old one, is read in vain.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from keepwell.lake.log_file import LogFile

Digests = NDArray[np.uint32]


class KnownDigests:
    """The digests of the live files, sorted; ten million events take 40 MB."""

    def __init__(self) -> None:
        self._of_files: dict[str, Digests] = {}

    def holding(self, ties: pa.ChunkedArray, files: Sequence[LogFile]) -> list[LogFile]:
        """The files that may hold one of these digests."""
        self._of_files = {file.path: self._digests(file) for file in files}
        wanted = np.unique(_short(ties))
        return [file for file in files if _any_in(wanted, self._of_files[file.path])]

    def _digests(self, file: LogFile) -> Digests:
        known = self._of_files.get(file.path)
        return known if known is not None else np.sort(_short(pq.read_table(file.path, columns=["tie"])["tie"]))


def _short(ties: pa.ChunkedArray) -> Digests:
    """The lower half of each; all eight bytes are those of a digest, so any part of them is as good as another."""
    digests: Digests = (ties.to_numpy() & 0xFFFFFFFF).astype(np.uint32)
    return digests


def _any_in(wanted: Digests, digests: Digests) -> bool:
    places = np.searchsorted(digests, wanted)
    inside = places < len(digests)
    return bool(np.any(digests[places[inside]] == wanted[inside]))
