"""The playground without its page: data, settings, the session, what it gives away, its server."""

from __future__ import annotations

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
from mundur.playground.session import KEPT, Place, Session, Table
from mundur.playground.settings import (
    ACTIVATIONS,
    CHOICES,
    LOSSES,
    PRESETS,
    FieldError,
    Layer,
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


def losses(session: Session) -> list[float]:
    return [logs["loss"] for logs in session.epochs]


# ---- data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", data.MADE)
def test_points_are_in_the_picture_and_of_every_class(name: str) -> None:
    x, y = data.MADE[name](60, 0.0, 3)
    assert x.shape == (60, 2) and y.shape == (60,) and np.abs(x).max() <= 1.3
    again, other = data.MADE[name](60, 0.0, 3)[0], data.MADE[name](60, 0.0, 4)[0]
    assert np.array_equal(x, again) and not np.array_equal(x, other)
    if name != "plane":
        assert set(y) == set(range(3 if name == "gaussians" else 2))
        assert np.bincount(y).min() >= 15


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_a_table_is_read(between: str, header: bool) -> None:
    lines = CSV.replace(",", between).splitlines()[0 if header else 1 :]
    x, y, names = data.table("\ufeff" + "\r\n".join(lines), seed=0)
    assert names == ["blue", "red"] and x.min() == -1 and x.max() == 1
    order = np.random.default_rng(0).permutation(40)
    assert [names[int(i)] for i in y] == [ROWS[i][2] for i in order]
    np.testing.assert_allclose(x[:, 0], [ROWS[i][0] / 3 - 1 for i in order])


def test_decimal_commas_are_read_where_something_else_separates() -> None:
    text = "\n".join(f"{i},5;{i % 3},25;{i},125" for i in range(20))
    x, y, names = data.table(text, seed=0)
    assert names == [] and x.min() == y.min() == -1 and x.max() == y.max() == 1


def test_whole_numbers_are_classes_in_their_order() -> None:
    text = "\n".join(f"{i},{i % 3},{(2, 10)[i % 2]}" for i in range(20))
    assert data.table(text, seed=0)[2] == ["2", "10"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("PK\3\4\0\0", "this is no text"),
        ("ab\ufffdc", "this is no text"),
        ("<html><body>hello</body></html>", "three columns is expected.*row 1 has 1"),
        ("a,b\n1,2\n", "three columns is expected.*row 1 has 2"),
        ("1,2,x\n1,2\n", "row 2 has 2"),
        ("a,b,c\n1,two,x\n", "must hold numbers; row 2 has 'two'"),
        ("1,nan,x\n", "must hold numbers; row 1 has 'nan'"),
        ("1,2,\n", "row 1 has no label"),
        ("1,2,x\n" * 9, "from 10 to 2,000 rows are expected; there are 9"),
        ("1,2,x\n" * 2001, "there are 2,001"),
        ("1,2,x\n" * 20, "labels must be of 2 kinds at least"),
        ("".join(f"1,2,k{i}\n" for i in range(20)), "up to 7 kinds; there are 20"),
        ('1,2,"x\n' * 20, "three columns|labels"),
        ("1,2," + "x" * 200_000 + "\n", "field larger"),
    ],
)
def test_what_is_no_table_gets_a_sentence(text: str, told: str) -> None:
    settings = dataclasses.replace(SMALL, data="csv")
    with pytest.raises(FieldError, match=told) as raised:
        Session(settings, Table("data.csv", text))
    assert raised.value.field == "csv" and len(str(raised.value)) < 200


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [Settings(), SMALL, *PRESETS.values()])
def test_settings_go_through_json_and_back(settings: Settings) -> None:
    assert Settings.of(settings.plain()) == settings


@pytest.mark.parametrize(
    ("given", "field", "told"),
    [
        ([], "settings", "an object is expected"),
        ({"lr": 1}, "lr", "no such setting"),
        ({"data": "moons"}, "data", "one of circle, xor"),
        ({"data": ["circle"]}, "data", "one of circle"),
        ({"samples": 2001}, "samples", "a whole number from 20 to 2000 is expected; got 2001"),
        ({"samples": 20.5}, "samples", "a whole number"),
        ({"samples": True}, "samples", "got 'True'"),
        ({"samples": 10**400}, "samples", "got 1000"),
        ({"learning_rate": math.nan}, "learning_rate", "got nan"),
        ({"learning_rate": math.inf}, "learning_rate", "got inf"),
        ({"learning_rate": 0}, "learning_rate", "from 1e-08"),
        ({"learning_rate": "0.1"}, "learning_rate", "a number"),
        ({"dropout": 1.0}, "dropout", "from 0 to 0.9"),
        ({"seed": -1}, "seed", "from 0 to 4294967295"),
        ({"batch_size": 0}, "batch_size", "from 1"),
        ({"layers": "many"}, "layers", "a list"),
        ({"layers": [{"units": 1, "activation": "relu"}] * 13}, "layers", "at most 12"),
        ({"layers": [{"units": 1}]}, "layer 1", "units and activation"),
        ({"layers": [{"units": 65, "activation": "relu"}]}, "units of layer 1", "from 1 to 64"),
        ({"layers": [{"units": 1, "activation": "x"}]}, "activation of layer 1", "one of linear"),
    ],
)
def test_what_cannot_be_set_is_told_by_field(given: Any, field: str, told: str) -> None:
    with pytest.raises(FieldError, match=told) as raised:
        Settings.of(given)
    assert raised.value.field == field and len(str(raised.value)) < 300


def test_a_loss_that_does_not_suit_the_data_leaves_the_training_that_was() -> None:
    session = Session(SMALL)
    session.advance()
    before, place = session.saved(), session.place
    for wrong in (
        dataclasses.replace(SMALL, loss="huber"),
        dataclasses.replace(SMALL, data="plane"),
        dataclasses.replace(SMALL, data="gaussians", loss="hinge"),
        dataclasses.replace(SMALL, data="csv"),
    ):
        with pytest.raises(FieldError):
            session.configure(wrong)
    assert session.saved() == before and session.place == place and session.settings == SMALL


# ---- forward and back ----------------------------------------------------------------------------


def test_steps_and_epochs_come_to_the_same_bits() -> None:
    whole, steps, mixed = Session(SMALL), Session(SMALL), Session(SMALL)
    whole.advance(seconds=math.inf, epochs=3)
    assert whole.place == Place(3, 0) and whole.steps == 4
    places = []
    for _ in range(12):
        steps.step()
        places.append(steps.place)
    assert places[:5] == [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    mixed.step()
    mixed.advance()
    mixed.step()
    mixed.step()
    mixed.advance(seconds=math.inf, epochs=2)
    for session in (steps, mixed):
        assert session.place == whole.place
        assert session.epochs == whole.epochs
        assert session.model.get_weights()[0].tobytes() == whole.model.get_weights()[0].tobytes()


def test_a_step_tells_the_loss_so_far() -> None:
    session = Session(dataclasses.replace(SMALL, dropout=0.0))
    session.step()
    assert set(session.step_logs) == {"loss", "accuracy"}
    assert session.frame()["so_far"] == {n: float(f"{v:.4g}") for n, v in session.step_logs.items()}
    session.advance()
    assert session.step_logs == {}


@pytest.mark.parametrize("what", ["step", "epoch"])
def test_back_and_on_again_is_the_same(what: str) -> None:
    session = Session(SMALL)
    states = [(session.place, session.saved(), dict(session.step_logs), losses(session))]
    for _ in range(9):
        session.step()
        states.append((session.place, session.saved(), dict(session.step_logs), losses(session)))
    run = session.run
    while session.place != Place(0, 0):
        session.back(what)
        expected = next(state for state in states if state[0] == session.place)
        assert (session.place, session.saved(), session.step_logs, losses(session)) == expected
    assert session.run > run
    session.back(what)
    assert session.place == Place(0, 0)
    for _ in range(9):
        session.step()
    assert session.saved() == states[-1][1]


def test_far_back_is_trained_again_from_what_was_kept() -> None:
    session = Session(SMALL)
    states = {}
    for _ in range(2 * KEPT):
        session.advance(epochs=1)
        states[session.place] = session.saved()
    assert len(session._kept) <= KEPT
    dropped = [place for place in states if place not in session._kept]
    assert dropped
    session.go(dropped[-1])
    assert session.saved() == states[dropped[-1]] and len(session.epochs) == session.place.epoch
    session.go(Place(dropped[0].epoch, 2))
    assert session.place == (dropped[0].epoch, 2)


def test_reset_is_the_beginning() -> None:
    session = Session(SMALL)
    first, run = session.saved(), session.run
    session.advance(seconds=math.inf, epochs=2)
    session.reset()
    assert session.saved() == first and session.run > run and session.epochs == []


def test_a_training_ends_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mundur.playground.session.EPOCHS", 5)
    session = Session(SMALL)
    session.advance(seconds=math.inf, epochs=3)
    session.step()
    session.advance(seconds=math.inf)
    assert session.is_over and session.place == Place(5, 0)
    for go_on in (session.advance, session.step):
        go_on()
        assert session.place == Place(5, 0)
    session.back("step")
    assert not session.is_over


# ---- what goes wrong, to be seen -----------------------------------------------------------------


@pytest.mark.parametrize("by", ["epochs", "steps", "fill"])
def test_overshoot_is_told_and_the_model_stays_whole(by: str) -> None:
    session = Session(PRESETS["overshoot"])
    for _ in range(300):
        if by == "steps":
            session.step()
        elif by == "epochs":
            session.advance(epochs=1)
        else:
            session.advance(seconds=0.01)
        if session.error:
            break
    assert session.error is not None and session.error["code"] == "nonfinite"
    assert session.error["learning_rate"] == 1.3
    assert session.error["epoch"] == session.place.epoch + 1
    assert losses(session)[-1] > 1e10 > losses(session)[0]
    assert all(np.isfinite(w).all() for w in session.model.get_weights())
    session.frame()
    place = session.place
    session.step()
    assert session.place == place and session.is_over
    session.back("epoch")
    assert session.error is None and session.place.epoch == place.epoch - 1


def test_an_epoch_of_several_steps_that_goes_wrong_is_gone_back_on() -> None:
    session = Session(dataclasses.replace(PRESETS["overshoot"], learning_rate=1e6, batch_size=8))
    while not session.error:
        session.step()
    assert session.place.step > 0 or session.place.epoch > 0
    assert all(np.isfinite(w).all() for w in session.model.get_weights())


def test_gradients_vanish() -> None:
    session = Session(PRESETS["vanishing"])
    session.advance(seconds=math.inf, epochs=50)
    norms = [layer["gradient"] for layer in session.layers()]
    assert len(norms) == 9 and norms[0] < 1e-4 * norms[-1]
    assert losses(session)[-1] > 0.65  # of log 2: it has learned nothing


def test_a_small_set_is_learned_by_heart() -> None:
    session = Session(PRESETS["overfitting"])
    session.advance(seconds=math.inf, epochs=300)
    validation = [logs["val_loss"] for logs in session.epochs]
    assert losses(session)[-1] < 0.02 and validation[-1] > 4 * min(validation)


# ---- what is seen --------------------------------------------------------------------------------

VARIED = {
    **{name: dataclasses.replace(SMALL, data=name) for name in ("circle", "xor", "spiral")},
    "squared": dataclasses.replace(SMALL, loss="squared"),
    "hinge": dataclasses.replace(SMALL, loss="hinge"),
    "gaussians": dataclasses.replace(SMALL, data="gaussians"),
    "gaussians, squared": dataclasses.replace(SMALL, data="gaussians", loss="squared"),
    **{f"plane, {loss}": Settings("plane", 50, loss=loss) for loss in LOSSES["numbers"]},
    "csv": dataclasses.replace(SMALL, data="csv"),
    "wide": dataclasses.replace(SMALL, layers=(Layer(20, "relu"), Layer(3, "gelu"))),
    "no layers": dataclasses.replace(SMALL, layers=(), dropout=0.0),
    "one batch": dataclasses.replace(SMALL, batch_size=2000),
    "L1": dataclasses.replace(SMALL, regularizer="L1", seed=5),
    "L2": dataclasses.replace(SMALL, regularizer="L2", strength=0.1, share=0.5),
    "momentum": dataclasses.replace(SMALL, optimizer="SGD", momentum=0.9),
    **{name: dataclasses.replace(SMALL, optimizer=name) for name in CHOICES["optimizer"]},
    **{name: dataclasses.replace(SMALL, initializer=name) for name in CHOICES["initializer"]},
    **{
        name: dataclasses.replace(SMALL, layers=(Layer(5, name), Layer(5, name)))
        for name in ACTIVATIONS
    },
    **PRESETS,
}


def made(settings: Settings) -> Session:
    return Session(settings, Table("data.csv", CSV) if settings.data == "csv" else None)


@pytest.mark.parametrize("name", VARIED)
def test_a_picture_is_whole_and_small(name: str) -> None:
    session = made(VARIED[name])
    session.advance()
    frame = session.frame()
    for layer in frame["layers"]:
        assert len(layer["weights"]) <= 8 and len(layer["weights"][0]) <= 8
        assert layer["norm"] >= 0 and layer["gradient"] >= 0
    assert len(frame["layers"]) == len(session.settings.layers) + 1
    boundary = frame["boundary"]
    assert len(boundary["values"]) == 1600
    assert min(boundary["values"]) >= 0 and max(boundary["values"]) <= 100
    assert ("classes" in boundary) == (session.settings.data == "gaussians")
    points = session.points()
    assert len(points["train"]) == session.samples.train
    assert session.curves() == {
        n: [float(f"{session.epochs[0][n]:.4g}")] for n in ("loss", "val_loss")
    }


def test_the_boundary_is_what_the_model_predicts() -> None:
    session = Session(dataclasses.replace(SMALL, loss="squared", dropout=0.0))
    session.advance(seconds=math.inf, epochs=40)
    values = np.array(session.boundary()["values"]).reshape(40, 40)
    most = session.extent
    corner = session.model.predict(np.array([[-most, most], [most, most], [most, -most]]))
    expected = np.round(100 * corner[:, 0])
    assert [values[0, 0], values[0, -1], values[-1, -1]] == pytest.approx(expected, abs=1)


def test_the_gradient_is_that_of_explain() -> None:
    session = Session(SMALL)
    norms = session.model.explain(*session._part(True)).gradient_norms
    assert [layer["gradient"] for layer in session.layers()] == [
        pytest.approx(norm, rel=1e-3) for norm in norms.values()
    ]


# ---- what is taken away --------------------------------------------------------------------------


@pytest.mark.parametrize("name", VARIED)
def test_the_copied_code_gives_the_same_curves(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = made(VARIED[name])
    session.advance(epochs=1)
    session.step()
    session.advance(epochs=2, seconds=math.inf)
    code = session.code()
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(CSV, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(code, "code.py", "exec"), names)
    assert "playground import" not in code
    assert names["history"].history == {
        n: [e[n] for e in session.epochs] for n in session.epochs[0]
    }
    pairs = zip(names["model"].get_weights(), session.model.get_weights(), strict=True)
    assert all(mine.tobytes() == its.tobytes() for mine, its in pairs)
    assert max(map(len, code.splitlines())) <= 110


def test_hostile_names_stay_names() -> None:
    name = "a\"b'\\\n\ud800\u2028({}).csv"
    code = Session(VARIED["csv"], Table(name, CSV)).code()
    match = re.search(r"Path\((.*)\)\.read_text", code)
    assert match and eval(match[1]) == name
    code.encode()


def test_the_saved_model_is_the_model(tmp_path: Path) -> None:
    session = Session(SMALL)
    session.advance()
    path = tmp_path / "model.safetensors"
    path.write_bytes(session.saved())
    loaded = md.load_model(path)
    x = session.samples.x
    assert loaded.predict(x).tobytes() == session.model.predict(x).tobytes()
    assert os.listdir(tmp_path) == ["model.safetensors"]


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
    assert ask(server, "api/reset", {}).json["frame"]["step"] == 0
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
        ({"path": "/no/such/file.csv"}, "cannot be read: No such file"),
        ({"path": "/"}, "cannot be read|is no file"),
        ({"path": "/dev/zero"}, "is no file"),
        ({"path": "a\0b"}, "cannot be read"),
        ({"path": "BYTES"}, "no text in UTF-8"),
        ({"path": "LARGE"}, "at most"),
        ({"settings": {"samples": 0}, "text": CSV}, "a whole number"),
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
    assert answer.status == 400 and re.search(told, answer.json["error"]["message"])
    assert ask(server, "api/state").json["settings"]["data"] == "circle"


def test_a_path_that_never_answers_is_no_file(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    answer = ask(server, "api/csv", {"path": str(tmp_path / "pipe")})
    assert answer.status == 400 and "is no file" in answer.json["error"]["message"]


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
        assert answer.json["error"]["message"]
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
    assert answer.status == 500 and answer.json["error"]["message"] == "MemoryError: no room"
    assert ask(server, "api/state").status == 200


def test_two_servers_know_nothing_of_each_other(server: Server) -> None:
    with serving() as other:
        assert other.token != server.token
        assert ask(other, f"/{server.token}/").status == 403
        ask(other, "api/step", {})
    assert ask(server, "api/state").json["frame"]["step"] == 0


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
