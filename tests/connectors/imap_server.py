"""An IMAP server on this machine, of the few commands that reading a folder needs."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Folder:
    """Mails by their number, and what clients asked for."""

    mails: dict[int, bytes]
    validity: int = 7
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(folder: Folder) -> Iterator[int]:
    """The port at which the folder can be read by ann with the password s3cret."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            while line := self.rfile.readline().decode().strip():
                tag, command = line.split(" ", 1)
                folder.asked.append(command)
                for answer in answers(folder, command):
                    self.wfile.write(answer)
                refused = command.startswith("LOGIN") and '"s3cret"' not in command
                self.wfile.write(f"{tag} {'NO' if refused else 'OK'} done\r\n".encode())
                if command == "LOGOUT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def answers(folder: Folder, command: str) -> Iterator[bytes]:
    if command == "CAPABILITY":
        yield b"* CAPABILITY IMAP4rev1\r\n"
    elif command.startswith("STATUS"):
        yield f'* STATUS "INBOX" (UIDVALIDITY {folder.validity})\r\n'.encode()
    elif command.startswith(("SELECT", "EXAMINE")):
        yield f"* {len(folder.mails)} EXISTS\r\n".encode()
    elif command == "LOGOUT":
        yield b"* BYE\r\n"
    elif found := re.search(r"UID SEARCH.*UID (\d+):\*", command):
        last = max(folder.mails, default=0)
        uids = [uid for uid in folder.mails if uid >= int(found.group(1)) or uid == last]
        yield f"* SEARCH {' '.join(map(str, uids))}\r\n".encode()
    elif found := re.search(r"UID FETCH (\d+) ", command):
        uid = int(found.group(1))
        body = folder.mails[uid]
        yield f"* 1 FETCH (UID {uid} FLAGS () RFC822.SIZE {len(body)} BODY[] {{{len(body)}}}\r\n".encode()
        yield body + b")\r\n"
