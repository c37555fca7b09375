"""The playground without its server: data, settings, the session, and what it gives away."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core
from mundur.playground import data
from mundur.playground.session import KEPT, Place, Session
from mundur.playground.settings import ACTIVATIONS, CHOICES, LOSSES, PRESETS, Layer, Settings
from mundur.playground.tables import Table
from mundur.playground.texts import FieldError

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


def test_the_largest_numbers_are_scaled() -> None:
    most = np.finfo(float).max
    text = "\n".join(f"{(-most, most)[i % 2]},{i}e306,{-i}.5e307" for i in range(12))
    x, y, _ = data.table(text, seed=0)
    assert x.min() == y.min() == -1 and x.max() == y.max() == 1


def test_whole_numbers_are_classes_in_their_order() -> None:
    text = "\n".join(f"{i},{i % 3},{(2, 10)[i % 2]}" for i in range(20))
    assert data.table(text, seed=0)[2] == ["2", "10"]


def test_labels_of_one_value_are_one_class() -> None:
    spelled = ("0", "1.0", "0.0", "1", "-0", "1e0")
    text = "\n".join(f"{i},{i % 3},{spelled[i % 6]}" for i in range(24))
    _, y, names = data.table(text, seed=0)
    order = np.random.default_rng(0).permutation(24)
    assert names == ["0", "1.0"] and y.tolist() == [i % 2 for i in order]
    session = Session(dataclasses.replace(SMALL, data="csv"), Table("data.csv", text))
    assert session.points()["classes"] == ["0", "1.0"]


@pytest.mark.parametrize(
    ("text", "told", "told_in_indonesian"),
    [
        ("", "the file is empty", "berkasnya kosong"),
        ("\n \n", "the file is empty", "berkasnya kosong"),
        ("PK\3\4\0\0", "this is no text", "bukan teks"),
        ("ab\ufffdc", "this is no text", "bukan teks"),
        ("<html>hello</html>", "three columns is expected.*row 1 has 1", "tiga kolom.* 1 punya 1"),
        ("a,b\n1,2\n", "three columns is expected.*row 1 has 2", "tiga kolom.*baris 1 punya 2"),
        ("1,2,x\n1,2\n", "row 2 has 2", "baris 2 punya 2"),
        ("a,b,c\n1,two,x\n", "must hold numbers; row 2 has 'two'", "baris 2 berisi 'two'"),
        ("1,nan,x\n", "must hold numbers; row 1 has 'nan'", "bilangan; baris 1 berisi 'nan'"),
        ("1,2,\n", "row 1 has no label", "baris 1 tidak punya label"),
        ("1,2,x\n" * 9, "from 10 to 2,000 rows are expected; there are 9", "2.000 baris.*ada 9"),
        ("1,2,x\n" * 2001, "there are 2,001", r"di sini ada 2\.001"),
        ("1,2,x\n" * 20, "labels must be of 2 kinds at least", "label harus paling sedikit 2"),
        ("1,2,0\n1,2,0.0\n" * 9, "labels must be of 2 kinds at least", "semuanya '0'"),
        ("1,2,1.5\n" * 20, "labels must be of 2 kinds at least", "semuanya '1.5'"),
        ("".join(f"1,2,k{i}\n" for i in range(20)), "up to 7 kinds; there are 20", "7 macam.* 20"),
        ('1,2,"x\n' * 20, "three columns|labels", "tiga kolom|label"),
        ("1,2," + "x" * 200_000 + "\n", "this is no CSV .field larger", "bukan CSV .field larger"),
    ],
)
def test_what_is_no_table_gets_a_sentence(text: str, told: str, told_in_indonesian: str) -> None:
    settings = dataclasses.replace(SMALL, data="csv")
    with pytest.raises(FieldError, match=told) as raised:
        Session(settings, Table("data.csv", text))
    assert raised.value.field == "csv" and len(str(raised.value)) < 200
    assert re.search(told_in_indonesian, raised.value.message["id"])


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [Settings(), SMALL, *PRESETS.values()])
def test_settings_go_through_json_and_back(settings: Settings) -> None:
    assert Settings.of(settings.plain()) == settings


@pytest.mark.parametrize(
    ("given", "field", "told"),
    [
        ([], "settings", "a JSON object is expected"),
        ({"lr": 1}, "lr", "no such setting"),
        ({"data": "moons"}, "data", "one of circle, xor"),
        ({"data": ["circle"]}, "data", "one of circle"),
        ({"samples": 2001}, "samples", "a whole number from 20 to 2,000 is expected; got 2001"),
        ({"samples": 20.5}, "samples", "a whole number"),
        ({"samples": True}, "samples", "got True"),
        ({"samples": 10**400}, "samples", "got 1000"),
        ({"learning_rate": math.nan}, "learning_rate", "got nan"),
        ({"learning_rate": math.inf}, "learning_rate", "got inf"),
        ({"learning_rate": 0}, "learning_rate", "from 1e-08"),
        ({"learning_rate": "0.1"}, "learning_rate", "a number"),
        ({"dropout": 1.0}, "dropout", "from 0 to 0.9"),
        ({"seed": -1}, "seed", "from 0 to 4,294,967,295"),
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


def test_numbers_are_written_as_each_language_writes_them() -> None:
    with pytest.raises(FieldError) as raised:
        Settings.of({"share": 0.95})
    assert raised.value.message == {
        "en": "a number from 0.1 to 0.9 is expected; got 0.95",
        "id": "harus bilangan dari 0,1 sampai 0,9; bukan 0.95",
    }


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


# ---- another learning rate midway ------------------------------------------------------------


def with_rate(session: Session, rate: float) -> None:
    session.adjust(dataclasses.replace(session.settings, learning_rate=rate))


def changed_twice(settings: Settings = SMALL) -> Session:
    """At (2, 3) and at (4, 0), and trained for six epochs."""
    session = Session(settings)
    session.advance(epochs=2, seconds=math.inf)
    for _ in range(3):
        session.step()
    with_rate(session, 0.1)
    session.step()
    session.advance(epochs=1)
    with_rate(session, 0.001)
    session.advance(epochs=2, seconds=math.inf)
    return session


def test_a_learning_rate_changes_midway() -> None:
    session, unchanged = changed_twice(), Session(SMALL)
    unchanged.advance(epochs=6, seconds=math.inf)
    assert session.place == Place(6, 0) and len(session.epochs) == 6
    assert session.epochs[:2] == unchanged.epochs[:2]
    pairs = zip(session.epochs[2:], unchanged.epochs[2:], strict=True)
    assert all(mine["val_loss"] != its["val_loss"] for mine, its in pairs)
    assert session.frame()["rates"] == [[0, 0, 0.01], [2, 3, 0.1], [4, 0, 0.001]]
    assert session.settings == dataclasses.replace(SMALL, learning_rate=0.001)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "Adadelta"])
def test_the_copied_code_changes_the_learning_rate_as_the_page_did(optimizer: str) -> None:
    session = changed_twice(dataclasses.replace(SMALL, optimizer=optimizer))
    names: dict[str, Any] = {}
    exec(compile(session.code(), "code.py", "exec"), names)
    assert names["history"].history == {
        n: [e[n] for e in session.epochs] for n in session.epochs[0]
    }
    pairs = zip(names["model"].get_weights(), session.model.get_weights(), strict=True)
    assert all(mine.tobytes() == its.tobytes() for mine, its in pairs)


def test_going_back_brings_back_the_learning_rate_that_was() -> None:
    session, rates = changed_twice(), []
    while session.place != (0, 0):
        session.back("step")
        rates.append((session.place, session.settings.learning_rate))
        assert session.model.compiled_optimizer.learning_rate == session.settings.learning_rate
    assert rates == [
        (
            Place(*divmod(at, 4)),
            0.001 if at >= 16 else 0.1 if at >= 11 else 0.01,
        )
        for at in range(23, -1, -1)
    ]
    unchanged = Session(SMALL)
    for one in (session, unchanged):
        one.advance(epochs=6, seconds=math.inf)
    assert session.epochs == unchanged.epochs and session.saved() == unchanged.saved()
    again = changed_twice()
    again.reset()
    assert again.settings == SMALL and "Rates" not in again.code()


def test_far_back_the_learning_rates_are_those_that_were() -> None:
    session, states = Session(SMALL), {}
    for epoch in range(2 * KEPT):
        if epoch in (31, 32, 50):
            with_rate(session, 1 / epoch)
        session.advance(epochs=1)
        states[session.place] = session.saved(), session.settings
    for epoch in (130, 60, 41, 34, 33, 32, 20):
        session.go(Place(epoch, 1))
        session.go(Place(epoch, 0))
        if epoch != 32:  # where a change begins, it is there
            assert (session.saved(), session.settings) == states[session.place]
    assert session.settings == SMALL


def test_a_learning_rate_put_back_at_once_is_no_change() -> None:
    session, code = Session(SMALL), ""
    session.advance(epochs=1)
    code = session.code()
    for rate in (0.5, 0.2, 0.01):
        with_rate(session, rate)
    assert session.code() == code and session.frame()["rates"] == [[0, 0, 0.01]]


@pytest.mark.parametrize("changed", [{"seed": 1}, {"batch_size": 4}, {"optimizer": "SGD"}])
def test_what_else_changes_begins_anew(changed: dict[str, Any]) -> None:
    session = changed_twice()
    settings = dataclasses.replace(session.settings, **changed)
    session.adjust(settings)
    assert session.place == (0, 0) and session.settings == settings
    assert session.changes == {Place(0, 0): settings}


def test_before_the_first_step_a_learning_rate_is_the_first() -> None:
    session = Session(SMALL)
    with_rate(session, 0.5)
    assert session.changes == {Place(0, 0): session.settings}
    assert "Adam(learning_rate=0.5)" in session.code()


def test_a_smaller_learning_rate_goes_on_behind_an_overshoot() -> None:
    session = Session(PRESETS["overshoot"])
    while not session.error:
        session.advance(epochs=1)
    with_rate(session, 0.1)
    assert session.error is None
    session.advance()
    assert session.error is not None  # its weights are too large for any rate
    for _ in range(3):
        session.back("epoch")
    with_rate(session, 0.1)
    before = len(session.epochs)
    session.advance(epochs=20, seconds=math.inf)
    assert session.error is None and len(session.epochs) == before + 20
    assert losses(session)[-1] < 0.1 * losses(session)[before - 1]


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


@pytest.mark.share(3)
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
