"""An API on this machine that pages as the systems do which Keepwell asks."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Json = dict[str, object]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    params: dict[str, list[str]]
    body: Json
    authorization: str


@dataclass
class Answer:
    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Api:
    """What the server holds; `next_answers` are given first, one for each request, None for the usual one."""

    answer: Callable[[Asked], Answer]
    token: str = "t0ken"
    asked: list[Asked] = field(default_factory=list)
    next_answers: list[Answer | None] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def reply(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        planned = self.next_answers.pop(0) if self.next_answers else None
        if planned is not None:
            return planned
        if self.token not in asked.authorization:
            return Answer(401, {"message": "no"})
        return self.answer(asked)


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """The address of the API."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.give()

        def do_POST(self) -> None:
            self.give()

        def give(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            told = Asked(self.command, parts.path, parse_qs(parts.query), body, self.headers.get("authorization", ""))
            answer = api.reply(told)
            text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"content-type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Stripe:
    """Lists newest first, by `created[gte]`, `limit` and `starting_after`; pages hold two."""

    lists: dict[str, list[Json]]
    page: int = 2

    def __call__(self, asked: Asked) -> Answer:
        name = asked.path.rpartition("/")[2]
        since = int(asked.params["created[gte]"][0])
        found = sorted(
            (one for one in self.lists.get(name, []) if int(str(one["created"])) >= since),
            key=lambda one: int(str(one["created"])),
            reverse=True,
        )
        ids = [one["id"] for one in found]
        after = asked.params.get("starting_after")
        if after and after[0] not in ids:
            return Answer(400, {"error": {"message": "No such event"}})
        start = ids.index(after[0]) + 1 if after else 0
        page = found[start : start + self.page]
        return Answer(200, {"object": "list", "data": page, "has_more": start + self.page < len(found)})


@dataclass
class Zendesk:
    """Incremental exports: tickets by a mark, organisations by a time."""

    tickets: list[Json] = field(default_factory=list)
    organizations: list[Json] = field(default_factory=list)
    page: int = 2

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("organizations.json"):
            return Answer(200, {"organizations": self.organizations, "next_page": None, "end_of_stream": True})
        if ("cursor" in asked.params) == ("start_time" in asked.params):
            return Answer(422, {"error": "one of cursor and start_time"})
        start = int(asked.params.get("cursor", ["0"])[0])
        found = self.tickets[start : start + self.page]
        last = start + len(found)
        told = {"tickets": found, "after_cursor": str(last), "end_of_stream": last >= len(self.tickets)}
        return Answer(200, told)


@dataclass
class HubSpot:
    """Companies by a search in the order of their changes, of which a question gives only `most`; deals as a list."""

    companies: list[Json] = field(default_factory=list)
    deals: list[Json] = field(default_factory=list)
    page: int = 2
    most: int = 10_000

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("/deals"):
            return self._page(self.deals, int(asked.params.get("after", ["0"])[0]))
        wanted = asked.body["filterGroups"][0]["filters"][0]["value"]  # type: ignore[index]
        found = [one for one in self.companies if changed(one) >= int(wanted)]
        start = int(str(asked.body.get("after", 0)))
        if start + self.page > self.most:
            return Answer(400, {"message": "10,000 results"})
        return self._page(sorted(found, key=changed), start)

    def _page(self, found: list[Json], start: int) -> Answer:
        told: Json = {"results": found[start : start + self.page]}
        if start + self.page < len(found):
            told["paging"] = {"next": {"after": str(start + self.page)}}
        return Answer(200, told)


def changed(company: Json) -> int:
    """When a company changed, in milliseconds."""
    properties = company["properties"]
    assert isinstance(properties, dict)
    return int(datetime.fromisoformat(properties["hs_lastmodifieddate"]).timestamp() * 1000)
