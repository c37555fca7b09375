"""The page's server: this machine alone, the page's own requests alone.

The address holds a random token, without which nothing is answered. The Host must be this server,
which a name that an attacker leads here is not, and the Origin, where a browser tells it, this
page. What may be read are files of this package, by name, and one CSV file by its path.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from .runner import SPEEDS, Runner
from .session import EPOCHS, Session
from .settings import CHOICES, LIMITS, LOSSES, PRESETS, WITH_MOMENTUM, Settings
from .tables import Table
from .texts import FieldError, said

__all__ = ["HOST", "Server", "listen"]

HOST = "127.0.0.1"
PORT, TRIED = 8765, 20  # the first one that is free, where none is asked for
LARGEST = 2**21  # bytes of a request, and of a CSV file

_FILES = {
    "": ("page.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
    "strings.json": ("strings.json", "application/json"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Refused(Exception):
    """A request that is not served: its status, and why by language."""

    def __init__(self, status: HTTPStatus, text: str, allow: str = "", **values: Any) -> None:
        self.message = said(text, **values)
        super().__init__(self.message["en"])
        self.status, self.headers = status, {"Allow": allow} if allow else {}


class Server(ThreadingHTTPServer):
    """Serves a playground on a port of 127.0.0.1.

    Parameters
    ----------
    port : int
        0 takes any that is free.
    runner : Runner, optional
    """

    daemon_threads = True
    block_on_close = False  # a browser may keep its connection

    def __init__(self, port: int, runner: Runner | None = None) -> None:
        self.runner = runner or Runner()
        super().__init__((HOST, port), Handler)
        self.token = secrets.token_urlsafe(24)
        port = self.server_address[1]
        self.hosts = {f"{HOST}:{port}", f"localhost:{port}"}
        self.address = f"http://{HOST}:{port}/{self.token}/"

    def server_bind(self) -> None:
        """Binds without the look-up of this machine's name that `HTTPServer` makes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a browser that was closed, or went on meanwhile."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Ends the training, too."""
        self.runner.stop()
        super().server_close()


def listen(port: int | None = None) -> Server:
    """A server on this port, an OSError where it is taken; else on the first that is free."""
    if port is not None:
        return Server(port)
    for tried in range(PORT, PORT + TRIED):
        try:
            return Server(tried)
        except OSError:
            continue
    return Server(0)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "mundur", ""
    timeout = 60

    # ---- what is asked ------------------------------------------------------------------------

    def do_GET(self) -> None:
        """Answers with a file, or with how the training stands."""
        self._answered(self._get)

    def do_POST(self) -> None:
        """Does what a button says."""
        self._answered(self._post)

    def _other(self) -> None:
        self._answered(self._unknown_method)

    do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _other

    def _get(self, name: str, query: dict[str, list[str]]) -> None:
        runner = self.server.runner
        if name in _FILES:
            file, kind = _FILES[name]
            self._send(Path(__file__).with_name(file).read_bytes(), f"{kind}; charset=utf-8")
        elif name == "api/state":
            numbers = {n: _number(n, query) for n in ("run", "version", "epoch") if n in query}
            self._json(runner.seen(**numbers))
        elif name == "api/options":
            self._json(_options())
        elif name == "api/code":
            self._send(runner.ask(Session.code).encode(), "text/plain; charset=utf-8")
        elif name == "model.safetensors":
            attached = {"Content-Disposition": 'attachment; filename="model.safetensors"'}
            data = runner.ask(Session.saved)
            self._send(data, "application/octet-stream", headers=attached)
        elif name in _ACTIONS:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", allow="POST")
        else:
            raise Refused(HTTPStatus.NOT_FOUND, "no_page")

    def _post(self, name: str, query: dict[str, list[str]]) -> None:
        if name in _FILES or name in ("api/state", "api/options", "api/code", "model.safetensors"):
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", allow="GET")
        if name not in _ACTIONS:
            raise Refused(HTTPStatus.NOT_FOUND, "no_page")
        body = self._body()
        _ACTIONS[name](self.server.runner, body)
        self._json(self.server.runner.seen())

    def _unknown_method(self, name: str, query: dict[str, list[str]]) -> None:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", allow="GET, POST")

    # ---- whether it may be --------------------------------------------------------------------

    def _answered(self, answer: Callable[[str, dict[str, list[str]]], None]) -> None:
        try:
            self._check_origin()
            path, _, query = self.path.partition("?")
            token, slash, name = path.removeprefix("/").partition("/")
            if not hmac.compare_digest(token.encode(), self.server.token.encode()):
                raise Refused(HTTPStatus.FORBIDDEN, "token")
            if slash:
                answer(name, parse_qs(query))
            else:  # names on the page begin behind it
                there = {"Location": f"/{token}/"}
                self._send(b"", "text/plain", HTTPStatus.TEMPORARY_REDIRECT, there)
        except FieldError as error:
            wrong = {"field": error.field, "message": error.message}
            self._json({"error": wrong}, HTTPStatus.BAD_REQUEST)
        except Refused as refused:
            self._refuse(refused)
        except (ConnectionError, TimeoutError):  # nobody is there any more
            raise
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            self._refuse(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", detail=detail))

    def _refuse(self, refused: Refused) -> None:
        # What is left of a body would be read as the next request.
        self.close_connection = True
        wrong = {"field": "", "message": refused.message}
        headers = {"Connection": "close", **refused.headers}
        self._json({"error": wrong}, refused.status, headers)

    def _check_origin(self) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0] not in self.server.hosts:
            raise Refused(HTTPStatus.FORBIDDEN, "host")
        for origin in self.headers.get_all("Origin", []):
            if origin not in {f"http://{host}" for host in self.server.hosts}:
                raise Refused(HTTPStatus.FORBIDDEN, "origin")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Refused(HTTPStatus.FORBIDDEN, "origin")

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no_json", detail="Content-Type")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "no_json", detail="Content-Length")
        if len(length) > 9 or int(length) > LARGEST:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "large", most=LARGEST)
        data = self.rfile.read(int(length))
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "no_json", detail=error) from None
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "object")
        return body

    # ---- the answer ---------------------------------------------------------------------------

    def _json(
        self,
        value: Any,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        data = json.dumps(value, allow_nan=False).encode()
        self._send(data, "application/json; charset=utf-8", status, headers)

    def _send(
        self,
        data: bytes,
        kind: str,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.send_response(status)
        told = {"Content-Type": kind, "Content-Length": str(len(data)), **_HEADERS, **headers}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a terminal full of requests tells nobody anything."""


def _number(name: str, query: dict[str, list[str]]) -> int:
    text = query[name][0]
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise FieldError(name, "whole_number")
    return int(text)


def _options() -> dict[str, Any]:
    """What there is to choose from, and the limits."""
    return {
        "choices": CHOICES,
        "losses": LOSSES,
        "limits": LIMITS,
        "momentum": WITH_MOMENTUM,
        "presets": {name: preset.plain() for name, preset in PRESETS.items()},
        "speeds": list(SPEEDS),
        "epochs": EPOCHS,
        "largest": LARGEST,
        "told": {text: said(text, most=LARGEST) for text in ("large", "no_text")},
    }


# ---- actions ------------------------------------------------------------------------------------


def _configure(runner: Runner, body: dict[str, Any]) -> None:
    settings = Settings.of(body.get("settings", {}))
    runner.change(lambda session: session.configure(settings, session.table))


def _adjust(runner: Runner, body: dict[str, Any]) -> None:
    settings = Settings.of(body.get("settings", {}))
    runner.change(lambda session: session.adjust(settings))


def _csv(runner: Runner, body: dict[str, Any]) -> None:
    """A file's text and name, or its path on this machine; with the settings it shall have."""
    name, text, path = (body.get(part, "") for part in ("name", "text", "path"))
    if not all(isinstance(part, str) for part in (name, text, path)):
        raise FieldError("csv", "file")
    if path:
        name, text = path, _read(path)
    table = Table((name or "data.csv") if path else Path(name).name or "data.csv", text)
    settings = replace(Settings.of(body.get("settings", {})), data="csv")
    runner.change(lambda session: session.take(settings, table))


def _read(path: str) -> str:
    try:
        with open(os.path.expanduser(path), "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FieldError("csv", "no_file", path=repr(path[:200]))
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, FieldError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        told = {"path": repr(path[:200]), "detail": reason}
        raise FieldError("csv", "unreadable", **told) from None
    if len(data) > LARGEST:
        raise FieldError("csv", "large", most=LARGEST)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise FieldError("csv", "no_text") from None


def _at_once(path: str, flags: int) -> int:
    """Opens a FIFO, too, without waiting for who writes into it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _start(runner: Runner, body: dict[str, Any]) -> None:
    speed = body.get("speed", "normal")
    if not isinstance(speed, str) or speed not in SPEEDS:
        raise FieldError("speed", "choice", names=", ".join(SPEEDS))
    runner.start(speed)


def _back(runner: Runner, body: dict[str, Any]) -> None:
    what = body.get("what", "epoch")
    if what not in ("step", "epoch"):
        raise FieldError("what", "choice", names="step, epoch")
    runner.change(lambda session: session.back(what))


_ACTIONS: dict[str, Callable[[Runner, dict[str, Any]], None]] = {
    "api/configure": _configure,
    "api/adjust": _adjust,
    "api/csv": _csv,
    "api/start": _start,
    "api/stop": lambda runner, body: runner.stop(),
    "api/step": lambda runner, body: runner.change(Session.step),
    "api/epoch": lambda runner, body: runner.change(lambda session: session.advance(epochs=1)),
    "api/back": _back,
    "api/reset": lambda runner, body: runner.change(Session.reset),
}
