"""The playground on two threads: the runner, the server, what it refuses, and the command."""

from __future__ import annotations

import ast
import dataclasses
import http.client
import json
import math
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import mundur as md
import numpy as np
import pytest
from mundur import _core
from mundur.playground import data
from mundur.playground.__main__ import main
from mundur.playground.runner import SPEEDS, Runner
from mundur.playground.server import Server, listen
from mundur.playground.session import Session
from mundur.playground.settings import (
    CHOICES,
    PRESETS,
    Settings,
)

from waiting import Child, wait_for

SMALL = Settings(samples=40, batch_size=8, dropout=0.2)
ROWS = [(i % 7, i % 5, "red" if i % 7 < 3 else "blue") for i in range(40)]
CSV = "a,b,colour\n" + "\n".join(f"{a},{b},{c}" for a, b, c in ROWS) + "\n"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As small networks are trained elsewhere; tests have teams as large as told."""
    _core.set_num_threads(1)
    yield
    _core.set_num_threads(0)


# ---- two threads ---------------------------------------------------------------------------------


@pytest.fixture
def runner() -> Iterator[Runner]:
    made = Runner(Session(SMALL))
    yield made
    made.stop()


def until(reached: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def test_the_runner_trains_until_it_is_stopped(runner: Runner) -> None:
    runner.start("fast")
    runner.start("fast")
    until(lambda: runner.seen()["frame"]["epoch"] > 20)
    assert runner.seen()["running"]
    runner.stop()
    epoch = runner.seen()["frame"]["epoch"]
    assert not runner.seen()["running"] and runner.session.place == (epoch, 0)
    again = Session(SMALL)
    again.advance(seconds=math.inf, epochs=epoch)
    assert again.epochs == runner.session.epochs


def test_who_looks_gets_what_is_new(runner: Runner) -> None:
    whole = runner.seen()
    assert {"settings", "points", "frame", "curves"} <= set(whole)
    assert set(runner.seen(whole["run"], whole["version"])) == {"version", "running", "run"}
    runner.change(lambda session: session.advance(seconds=math.inf, epochs=5))
    part = runner.seen(whole["run"], whole["version"], 2)
    assert part["first"] == 2 and len(part["curves"]["loss"]) == 3 and "points" not in part
    runner.change(lambda session: session.back("epoch"))
    other = runner.seen(part["run"], part["version"], 5)
    assert other["first"] == 0 and len(other["curves"]["loss"]) == 4 and "points" in other


def test_looking_never_waits_for_a_training(runner: Runner) -> None:
    with runner._lock:  # as during an epoch that takes for ever
        thread = threading.Thread(target=runner.seen)
        thread.start()
        wait_for(thread, seconds=10)


def test_what_changes_a_running_training_gets_its_turn(runner: Runner) -> None:
    for _ in range(5):
        runner.start("fast")
        runner.change(lambda session: session.back("epoch"))
        assert not runner.seen()["running"]
        assert runner.ask(Session.code)


def test_nobody_watches_and_the_training_stops(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mundur.playground.runner.UNSEEN", 0.05)
    runner.start("normal")
    until(lambda: not runner._going)


def test_overshoot_ends_the_thread_and_is_told() -> None:
    runner = Runner(Session(PRESETS["overshoot"]))
    runner.start("fast")
    until(lambda: not runner.seen()["running"])
    assert runner.seen()["frame"]["error"]["code"] == "nonfinite"
    runner.start("fast")
    until(lambda: not runner.seen()["running"])
    runner.change(lambda session: session.configure(SMALL))
    assert runner.seen()["frame"]["error"] is None


def test_what_fails_otherwise_is_told_too(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(runner.session, "advance", fail)
    runner.start()
    until(lambda: not runner.seen()["running"])
    assert runner.seen()["frame"]["error"] == {"code": "failed", "message": "no room"}


# ---- the server ----------------------------------------------------------------------------------


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@contextmanager
def serving() -> Iterator[Server]:
    one = Server(0, Runner(Session(SMALL)))
    thread = threading.Thread(target=one.serve_forever, args=(0.02,))
    thread.start()
    yield one
    one.shutdown()
    wait_for(thread)
    one.server_close()


def ask(server: Server, path: str, body: Any = None, method: str = "", **headers: str) -> Answer:
    """What the page would get; a path without a slash ahead lies behind the token."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    path = path if path.startswith("/") else f"/{server.token}/{path}"
    told: dict[str, str] = {}
    if body is not None:
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        told["Content-Type"] = "application/json"
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, told)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def test_the_page_and_its_parts(server: Server) -> None:
    for name in ("", "page.js", "page.css", "strings.json"):
        answer = ask(server, name)
        assert answer.status == 200 and answer.body
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert server.address.startswith("http://127.0.0.1:") and len(server.token) >= 32
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_an_address_without_its_last_slash_leads_there(server: Server) -> None:
    answer = ask(server, f"/{server.token}")
    assert answer.status == 307 and answer.headers["Location"] == f"/{server.token}/"


def test_a_training_over_the_wire(server: Server, tmp_path: Path) -> None:
    state = ask(server, "api/state").json
    assert Settings.of({k: v for k, v in state["settings"].items() if k != "csv"}) == SMALL
    state = ask(server, "api/configure", {"settings": {**SMALL.plain(), "data": "spiral"}}).json
    assert state["settings"]["data"] == "spiral"
    assert ask(server, "api/step", {}).json["frame"]["step"] == 1
    assert ask(server, "api/epoch", {}).json["frame"]["epoch"] == 1
    assert ask(server, "api/back", {"what": "step"}).json["frame"]["step"] == 3
    settings = {**SMALL.plain(), "data": "spiral", "learning_rate": 0.001}
    state = ask(server, "api/adjust", {"settings": settings}).json
    assert state["frame"]["step"] == 3 and state["settings"]["learning_rate"] == 0.001
    assert ask(server, "api/reset", {}).json["settings"]["learning_rate"] == 0.01
    assert ask(server, "api/start", {"speed": "fast"}).json["running"]
    until(lambda: ask(server, "api/state?run=0&version=0").json["frame"]["epoch"] > 3)
    state = ask(server, "api/stop", {}).json
    assert not state["running"]
    names: dict[str, Any] = {}
    exec(ask(server, "api/code").body.decode(), names)
    rounded = [float(f"{value:.4g}") for value in names["history"].history["loss"]]
    assert rounded == state["curves"]["loss"]
    saved = ask(server, "model.safetensors")
    assert "attachment" in saved.headers["Content-Disposition"]
    (tmp_path / "m.safetensors").write_bytes(saved.body)
    assert md.load_model(tmp_path / "m.safetensors").count_params() == 65
    assert ask(server, "api/options").json["presets"].keys() == PRESETS.keys()


def test_a_csv_file_by_text_and_by_path(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "colours.csv"
    path.write_text(CSV, encoding="utf-8")
    given = {"settings": SMALL.plain()}
    state = ask(server, "api/csv", {**given, "name": "../a/colours.csv", "text": CSV}).json
    assert state["settings"]["csv"] == "colours.csv" and state["settings"]["data"] == "csv"
    assert state["points"]["classes"] == ["blue", "red"]
    state = ask(server, "api/csv", {**given, "path": str(path)}).json
    assert state["settings"]["csv"] == str(path)
    # Numbers are learned by a loss for numbers, whatever was chosen.
    text = "\n".join(f"{i},{i % 3},{i / 7}" for i in range(30))
    state = ask(server, "api/csv", {**given, "text": text}).json
    assert state["settings"]["loss"] == "squared" and state["points"]["classes"] == []
    assert ask(server, "api/configure", given).json["settings"]["data"] == "circle"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"text": "<html>"}, "three columns"),
        ({"text": 3}, "expected"),
        ({"path": "/no/such/file.csv"}, "cannot be read .No such file"),
        ({"path": "/"}, "cannot be read|is no file"),
        ({"path": "/dev/zero"}, "is no file"),
        ({"path": "a\0b"}, "cannot be read"),
        ({"path": "BYTES"}, "no text in UTF-8"),
        ({"path": "LARGE"}, "at most"),
        ({"settings": {"samples": 0}, "text": CSV}, "a whole number"),
        ({"settings": [1], "text": CSV}, "a JSON object is expected"),
    ],
)
def test_a_csv_that_is_none_is_told(
    body: dict[str, Any], told: str, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "BYTES").write_bytes(b"\xff\xfe1")
    (tmp_path / "LARGE").write_bytes(b"1,2,3\n" * 400_000)
    if body.get("path") in ("BYTES", "LARGE"):
        body = {"path": str(tmp_path / body["path"])}
    answer = ask(server, "api/csv", body)
    assert answer.status == 400 and re.search(told, answer.json["error"]["message"]["en"])
    assert ask(server, "api/state").json["settings"]["data"] == "circle"


def test_a_path_that_never_answers_is_no_file(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    answer = ask(server, "api/csv", {"path": str(tmp_path / "pipe")})
    assert answer.status == 400 and "is no file" in answer.json["error"]["message"]["en"]


CLICKS: list[tuple[str, Any]] = [
    *((f"api/{name}", {}) for name in ("step", "epoch", "stop", "step", "epoch")),
    *(("api/start", {"speed": speed}) for speed in SPEEDS),
    *(("api/back", {"what": what}) for what in ("step", "epoch")),
    *(("api/state", None), ("api/code", None), ("model.safetensors", None)),
    ("api/configure", {"settings": {"samples": 50, "data": "xor"}}),
]

REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "no token": (403, {"path": "/"}),
    "no path": (403, {"path": "//"}),
    "half an address": (403, {"path": "//[x/"}),
    "a whole address": (403, {"path": "/http://127.0.0.1/"}),
    "a wrong token": (403, {"path": "/" + 32 * "x" + "/"}),
    "a wrong token for state": (403, {"path": "/x/api/state"}),
    "a token that is no ASCII": (403, {"path": "/%C3%A9/"}),
    "another host": (403, {"path": "", "Host": "example.org"}),
    "another host's name of this port": (403, {"path": "", "Host": "evil.test:{port}"}),
    "another port": (403, {"path": "", "Host": "127.0.0.1:1"}),
    "another origin": (403, {"path": "api/state", "Origin": "http://example.org"}),
    "no origin": (403, {"path": "api/state", "Origin": "null"}),
    "the origin of another port": (
        403,
        {"path": "api/step", "body": {}, "Origin": "http://127.0.0.1:1"},
    ),
    "the origin by https": (
        403,
        {"path": "api/step", "body": {}, "Origin": "https://127.0.0.1:{port}"},
    ),
    "another site": (403, {"path": "api/state", "Sec_Fetch_Site": "cross-site"}),
    "a parent folder": (404, {"path": "../settings.py"}),
    "a parent folder, escaped": (404, {"path": "%2e%2e/settings.py"}),
    "a file of the package": (404, {"path": "server.py"}),
    "an absolute path": (404, {"path": "/{token}//etc/passwd"}),
    "a file as a folder": (404, {"path": "page.js/"}),
    "an unknown action": (404, {"path": "api/quit", "body": {}}),
    "GET of an action": (405, {"path": "api/step"}),
    "POST of a page": (405, {"path": "page.js", "body": {}}),
    "PUT": (405, {"path": "", "method": "PUT", "body": {}}),
    "DELETE": (405, {"path": "", "method": "DELETE"}),
    "OPTIONS": (405, {"path": "api/step", "method": "OPTIONS"}),
    "HEAD": (405, {"path": "", "method": "HEAD"}),
    "no JSON": (400, {"path": "api/configure", "body": b"{"}),
    "not UTF-8": (400, {"path": "api/configure", "body": b'{"a": "\xff"}'}),
    "nested without end": (400, {"path": "api/configure", "body": b"[" * 100_000}),
    "no object": (400, {"path": "api/configure", "body": []}),
    "a form": (415, {"path": "api/step", "body": {}, "Content_Type": "text/plain"}),
    "no type": (415, {"path": "api/step", "method": "POST"}),
    "no length": (411, {"path": "api/step", "body": b"", "Content_Length": "x"}),
    "chunks": (411, {"path": "api/step", "body": b"", "Transfer_Encoding": "chunked"}),
    "too much": (413, {"path": "api/csv", "body": b"", "Content_Length": "2097153"}),
    "far too much": (413, {"path": "api/csv", "body": b"", "Content_Length": "9" * 30}),
    "a bad setting": (400, {"path": "api/configure", "body": {"settings": {"units": 1}}}),
    "a bad speed": (400, {"path": "api/start", "body": {"speed": ["fast"]}}),
    "a bad way back": (400, {"path": "api/back", "body": {"what": {}}}),
    "a bad number": (400, {"path": "api/state?run=1e9"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, server: Server) -> None:
    status, request = REFUSED[name]
    before = ask(server, "api/state").json
    told = {"port": server.server_port, "token": server.token}
    filled = {k: v.format(**told) if isinstance(v, str) else v for k, v in request.items()}
    answer = ask(server, **filled)
    assert answer.status == status
    if filled.get("method") != "HEAD":
        message = answer.json["error"]["message"]
        assert message.keys() == {"en", "id"} and message["en"] != message["id"]
        assert server.token not in answer.body.decode()
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert ask(server, "api/state").json["version"] == before["version"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_own_origin_is_served(host: str, server: Server) -> None:
    own = f"{host}:{server.server_port}"
    answer = ask(
        server, "api/step", {}, Host=own, Origin=f"http://{own}", Sec_Fetch_Site="same-origin"
    )
    assert answer.status == 200


def test_a_client_that_hangs_up_is_no_error(server: Server, capsys: Any) -> None:
    for sent in (b"", b"GET /", f"POST /{server.token}/api/step HTTP/1.1\r\n".encode()):
        with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ask(server, "api/state").status == 200
    assert capsys.readouterr().err == ""


def test_many_at_once_come_to_one_training(server: Server) -> None:
    def click(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(20):
            path, body = CLICKS[rng.integers(len(CLICKS))]
            statuses.append(ask(server, path, body).status)

    statuses: list[int] = []
    threads = [threading.Thread(target=click, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    wait_for(*threads)
    assert statuses == [200] * 80
    state = ask(server, "api/stop", {}).json
    session, again = server.runner.session, Session(server.runner.session.settings)
    again.advance(seconds=math.inf, epochs=session.place.epoch) if session.place.epoch else None
    for _ in range(session.place.step):
        again.step()
    assert again.place == session.place and again.epochs == session.epochs
    weights = zip(again.model.get_weights(), session.model.get_weights(), strict=True)
    assert all(mine.tobytes() == its.tobytes() for mine, its in weights)
    assert state["curves"] == again.curves() and state["frame"] == again.frame()


def test_what_fails_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(server.runner.session, "advance", fail)
    answer = ask(server, "api/epoch", {})
    assert answer.status == 500
    assert answer.json["error"]["message"] == {
        "en": "the playground has failed (MemoryError: no room)",
        "id": "arena bermain gagal (MemoryError: no room)",
    }
    assert ask(server, "api/state").status == 200


def test_two_servers_know_nothing_of_each_other(server: Server) -> None:
    with serving() as other:
        assert other.token != server.token
        assert ask(other, f"/{server.token}/").status == 403
        ask(other, "api/step", {})
    assert ask(server, "api/state").json["frame"]["step"] == 0


def texts_raised(tree: ast.AST) -> Iterator[str]:
    """The names of texts that errors are made of, where they stand written out."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in ("FieldError", "Refused") and isinstance(node.args[1], ast.Constant):
            yield str(node.args[1].value)


def test_all_that_is_said_is_said_in_both_languages() -> None:
    folder = Path(data.__file__).parent
    strings = json.loads((folder / "strings.json").read_text(encoding="utf-8"))
    assert strings["en"].keys() == strings["id"].keys()
    for name, text in strings["en"].items():
        its = strings["id"][name]
        assert text and its and re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", its), name
    page = (folder / "page.html").read_text(encoding="utf-8")
    script = (folder / "page.js").read_text(encoding="utf-8")
    used = {*re.findall(r'data-t(?:-label)?="(\w+)"', page), *re.findall(r'\bt\("(\w+)"', script)}
    built = {
        f"{prefix}_{name}"
        for prefix, names in (
            *((n, CHOICES[n]) for n in ("data", "loss", "regularizer")),
            *(("preset", PRESETS), ("sentence", PRESETS), ("speed", SPEEDS)),
        )
        for name in names
    }
    fields = {field.name for field in dataclasses.fields(Settings)} - {"layers"} | {"csv"}
    assert used | built | fields <= strings["en"].keys()
    assert set(re.findall(r'name="(\w+)"', page)) == fields - {"csv"} | {"viewport"}
    known = {name for name in strings["en"] if name.startswith("error_")}
    sources = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    raised = {f"error_{name}" for source in sources for name in texts_raised(ast.parse(source))}
    assert raised <= known and len(raised) > 20
    assert {n for n in known if f'"{n.removeprefix("error_")}"' not in "".join(sources)} == set()
    assert "http://" not in re.sub(r'"http://www.w3.org/2000/svg"', "", page + script)
    assert "https://" not in page + script


# ---- the command ---------------------------------------------------------------------------------


def test_the_command_says_where_and_ends_with_ctrl_c() -> None:
    with Child("-m", "mundur.playground", "--no-browser", "--port", "0") as child:
        address = child.line().split()[-1]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
        port, token = address.split(":")[2].split("/")[:2]
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
        start = json.dumps({"speed": "fast"})
        connection.request(
            "POST", f"/{token}/api/start", start, {"Content-Type": "application/json"}
        )
        assert connection.getresponse().status == 200
        child.line()
        child.interrupt()
        assert child.wait(30) == 0  # though a browser keeps its connection
        connection.close()
        assert "ended" in child.stdout.read()  # type: ignore[union-attr]


def test_a_port_that_is_taken(server: Server, capsys: Any) -> None:
    assert main(["--no-browser", "--port", str(server.server_port)]) == 1
    told = capsys.readouterr().err
    assert f"127.0.0.1:{server.server_port}" in told and "in use" in told and "--port 0" in told


def test_the_next_port_is_taken_where_none_is_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mundur.playground.server.PORT", server.server_port)
    for tried in (20, 1):
        monkeypatch.setattr("mundur.playground.server.TRIED", tried)
        other = listen()
        other.server_close()
        assert other.server_port != server.server_port


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none(port: str, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["--port", port])
    assert "--port" in capsys.readouterr().err
