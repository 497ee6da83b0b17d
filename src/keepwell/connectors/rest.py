"""Pages of another system's API, asked for by dlt's REST client: signing in, paging, trying again after 429 and 5xx.

dlt is an optional extra and loaded only here. Its pipelines are not used: it would keep a position of its own, while
ours may only move once the events are durable.
"""

import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from keepwell.base.errors import UserError
from keepwell.connectors.pull import Pull, Resource, filled, written

if TYPE_CHECKING:
    from requests import Response

_NOT_ALLOWED: Final = (401, 403)
_NO_SUCH_MARK: Final = (400, 404, 410, 422)
_TIMEOUT_S: Final = 120
# Some systems take 0 for no time at all.
EARLIEST: Final = 1_000_000


class MarkGoneError(Exception):
    """The system knows the page no more at which an earlier pull stopped."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a question that failed is asked again, and how long is waited at most; Retry-After is kept to."""

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom is asked, and as whom. `source` is the name of our source, for sentences; `folder` is dlt's own."""

    pull: Pull
    source: str
    settings: Mapping[str, object]
    token: str
    folder: Path
    patience: Patience

    def __repr__(self) -> str:
        return f"Asking({self.pull.kind}, {self.source})"


@dataclass(frozen=True, slots=True)
class Page:
    """Records as the API gave them; with `mark` the page behind them can be asked for later."""

    records: list[object]
    mark: str | None
    is_last: bool


def pages(asking: Asking, resource: Resource, *, since: int, mark: str | None) -> Generator[Page, None, None]:
    """The pages of a resource from a time on (microseconds since 1970), or those behind a mark.

    Raises `UserError` for what its reader can mend or must wait for, `MarkGoneError` for a mark that is gone.
    """
    load(asking.folder)
    while True:
        page = Page([], None, True)
        for page in _asked(asking, resource, since, mark):
            yield page
        if page.is_last or not resource.keeps_mark:
            return
        mark = page.mark


def _asked(asking: Asking, resource: Resource, since: int, mark: str | None) -> Generator[Page, None, None]:
    """The pages that follow each other by the system's own links or marks."""
    import requests
    from dlt.common import jsonpath
    from dlt.sources.helpers.requests.retry import Client
    from dlt.sources.helpers.rest_client.client import RESTClient
    from dlt.sources.rest_api.config_setup import create_auth, create_paginator

    url, patience = asking.pull.url(asking.settings), asking.patience
    session = Client(
        raise_for_status=False,
        request_timeout=_TIMEOUT_S,
        request_max_attempts=patience.attempts,
        request_backoff_factor=patience.first_wait_s,
        request_max_retry_delay=patience.longest_wait_s,
    ).session
    auth = create_auth(asking.pull.sign_in(asking.settings, asking.token))  # type: ignore[arg-type]  # plain data
    asker = RESTClient(url, headers=dict(asking.pull.headers), auth=auth, session=session)
    request = _request(asking, resource, since, mark)
    paginator = create_paginator(dict(resource.paginator))  # type: ignore[arg-type]  # plain data
    try:
        found = asker.paginate(
            filled(resource.path, {}),  # type: ignore[arg-type]  # a text stays one
            method="GET" if resource.json is None else "POST",
            params=request.params,
            json=request.json,
            paginator=paginator,
            data_selector=resource.records,
            hooks={"response": [_read_whole]},
        )
        for page in found:
            if page.paginator.has_next_page:
                _check_origin(page.request.url, url, asking)
            body = page.response.json()
            if not isinstance(body[resource.records], list):
                raise TypeError(resource.records)
            marks = jsonpath.find_values(resource.resume[1], body) if resource.resume else []
            ends = jsonpath.find_values(resource.end, body) if resource.end else []
            behind = str(marks[0]) if marks and marks[0] is not None else None
            has_next = behind is not None if resource.keeps_mark else page.paginator.has_next_page
            is_last = not has_next or True in ends
            yield Page(list(page), behind, is_last)
            if is_last:
                return
    except (ValueError, AttributeError, TypeError, LookupError):
        raise UserError(
            f"{asking.pull.title} at {urlsplit(url).netloc} answered {resource.path} with something unexpected. "
            "Check the setting url; what was pulled before is kept."
        ) from None
    except requests.RequestException as error:
        if error.response is not None:
            raise _meaning(error.response, asking, has_mark=mark is not None) from None
        # Its text may hold the address, and so what stands in it.
        raise UserError(
            f"{asking.pull.title} at {urlsplit(url).netloc} could not be asked: {type(error).__name__}. What was "
            "pulled before is kept; run the same command again to go on."
        ) from None
    finally:
        session.close()


def load(folder: Path) -> None:
    """Load dlt, which must neither report home nor write outside our folder."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DLT_DATA_DIR"] = str(folder)
    try:
        import dlt  # noqa: F401
    except ImportError:
        raise UserError(
            "'keepwell pull' asks other systems by dlt, which is not installed; install it by: "
            "pip install 'keepwell[pull]'"
        ) from None


@dataclass(frozen=True, slots=True)
class _Request:
    params: dict[str, object] | None
    json: dict[str, object] | None


def _request(asking: Asking, resource: Resource, since: int, mark: str | None) -> _Request:
    names = {"since": written(max(EARLIEST, since), resource.form), **asking.pull.asked(asking.settings)}
    params = {key: filled(value, names) for key, value in resource.params.items()}
    if mark is not None and resource.resume is not None:
        if resource.keeps_mark:
            # The two together are refused.
            params = {key: value for key, value in params.items() if resource.params[key] != "{since}"}
        params[resource.resume[0]] = mark
    body = None if resource.json is None else {key: filled(value, names) for key, value in resource.json.items()}
    return _Request(params or None, body)


def _read_whole(response: "Response", *_: object, **__: object) -> None:
    """Read a refused answer to its end before it is raised, so that its connection is free again."""
    if not response.ok:
        response.content  # noqa: B018  # it is read by being asked for
        response.raise_for_status()


def _check_origin(found: str | bytes | None, url: str, asking: Asking) -> None:
    """The token goes with every request, so no page may send us elsewhere."""
    text = found.decode() if isinstance(found, bytes) else found
    told, ours = urlsplit(text or url), urlsplit(url)
    if (told.netloc or ours.netloc) != ours.netloc or (told.scheme or ours.scheme) != ours.scheme:
        raise UserError(
            f"{asking.pull.title} says that the next page is at {told.netloc}, and the token is for {ours.netloc} "
            "only. Nothing was sent there; check the setting url."
        )


def _meaning(response: "Response", asking: Asking, *, has_mark: bool) -> Exception:
    status = response.status_code
    title, source = asking.pull.title, asking.source
    is_token = "/oauth2/token" in str(response.url)
    if status in _NOT_ALLOWED or (is_token and status < 500):
        return UserError(
            f"{title} refused the token of the source {source!r} ({status}). Expected {asking.pull.expects}. "
            f"Enter it anew, as a line that begins with 'pull:', by 'keepwell source change {source} --secret-stdin', "
            "which replaces all secrets of the source."
        )
    if has_mark and status in _NO_SUCH_MARK:
        return MarkGoneError(str(status))
    path = urlsplit(str(response.url)).path
    if status == 429 or status >= 500:
        return UserError(
            f"{title} answered {status} to {path}, {asking.patience.attempts} times. What was pulled before is kept; "
            "run the same command again later to go on."
        )
    return UserError(
        f"{title} answered {status} to {path}: {response.text[:200]!r}. Expected {asking.pull.expects}; what was "
        "pulled before is kept."
    )
