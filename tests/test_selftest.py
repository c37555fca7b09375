"""The self-test says yes here, and no, with the step's name, where a bit is another one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import (
    _core,
    constraints,
    initializers,
    layers,
    losses,
    optimizers,
    regularizers,
    selftest,
)
from mundur.activations import NATIVE  # every name that the core knows
from mundur.layers.container import Nested  # every layer but those around others
from mundur.layers.encoding import Preprocessing  # nor those in front of models
from mundur.selftest import __main__ as command
from mundur.selftest import networks, steps

from cells import few, one_of

STORED = json.loads(selftest.TABLE.read_text(encoding="utf-8"))
REGRESSOR = next(case for case in selftest.CASES if case.name == "regressor")


@pytest.fixture
def as_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that computes what is stored, in no time."""

    def hashes(case: networks.Case | None, dtype: str) -> dict[str, str]:
        return STORED[f"{case.name if case else 'functions'} {dtype}"]

    monkeypatch.setattr(selftest, "hashes", hashes)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_this_machine_has_everybodys_bits() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "mundur.selftest"],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "yes"
    assert "differs" not in done.stdout
    for step in selftest.STEPS:
        assert any(line.startswith(step) and line.endswith("equal") for line in lines), step
    available = _core.available_isas()
    for isa in ("generic", "avx2", "avx512", "avx512bf16", "amx", "neon"):
        rows = sum(f" {isa} " in line and "equal" in line for line in lines)
        assert rows == (len(selftest.STEPS) if isa in available else 0)
        assert any(f"not tried: {isa}," in line for line in lines) == (isa not in available)


@pytest.mark.usefixtures("as_stored")
def test_a_stored_hash_that_differs_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = json.loads(json.dumps(STORED))
    altered["images float64"]["gradients"] = "0" * 64
    table = tmp_path / "altered.json"
    table.write_text(json.dumps(altered), encoding="utf-8")
    assert command.main(["--table", str(table)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "no"
    told = {line for line in lines if line.startswith("differs: ")}
    everywhere = {
        f"differs: images float64, {isa}, {n} thread{'s' * (n > 1)}: gradients"
        for isa in _core.available_isas()
        for n in {1, 2, 5, md.get_num_threads()}
    }
    assert told == everywhere
    assert next(line for line in lines if line.endswith("differs")).startswith("gradients")


DAILY = [None, *(case for case in selftest.CASES if one_of(3, case.name))]
WAITING = [pytest.param(c, marks=pytest.mark.slow) for c in selftest.CASES if c not in DAILY]


@pytest.mark.parametrize("case", [*DAILY, *WAITING], ids=lambda case: case and case.name)
def test_a_network_has_everybodys_bits(case: networks.Case | None) -> None:
    """In one cell; the command tries all."""
    isa, threads = few(str(case and case.name))[0]
    for result in selftest.run(STORED, [case], [isa], [threads]):
        assert not result.differs, result


def test_a_weight_that_differs_shows_from_its_step_on(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = steps._compiled

    def altered(*case: Any) -> md.Model:
        model = compiled(*case)
        model.parameters["dense/kernel"][3, 2] += 0.25  # bfloat16 rounds less away
        return model

    monkeypatch.setattr(steps, "_compiled", altered)
    for result in selftest.run(STORED, [REGRESSOR], threads=[1]):
        assert {*result.differs} == {*result.found} - {"shuffle"}
        assert result.differs[:2] == ["initial weights", "forward"]


def test_a_table_that_lacks_a_step_or_has_another_differs() -> None:
    fewer = {what: dict(found) for what, found in STORED.items()}
    del fewer["functions float32"]["functions"]
    fewer["functions float64"]["update"] = "0" * 64
    found = selftest.run(fewer, [None], isas=["generic"], threads=[1])
    assert [result.differs for result in found] == [["functions"], ["update"]]


@pytest.mark.usefixtures("as_stored")
def test_the_stored_table_is_what_is_written(tmp_path: Path) -> None:
    """By whom it has everybody's bits: nothing else, in this order."""
    table = tmp_path / "hashes.json"
    assert command.main(["--write", "--table", str(table)]) == 0
    assert table.read_text(encoding="utf-8") == selftest.TABLE.read_text(encoding="utf-8")


def test_a_machine_that_disagrees_with_itself_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hashes(case: Any, dtype: str) -> dict[str, str]:
        return {"forward": str(md.get_num_threads())}

    monkeypatch.setattr(selftest, "hashes", hashes)
    table = tmp_path / "hashes.json"
    assert command.main(["--write", "--table", str(table)]) == 1
    assert not table.exists()
    assert "2 threads: forward" in capsys.readouterr().out


def test_what_was_set_is_set_again() -> None:
    _core.set_adaptive(True)
    before = (md.isa(), _core.chosen_num_threads())
    list(selftest.run(STORED, [None], threads=[3]))
    assert (md.isa(), _core.chosen_num_threads()) == before
    assert _core.adaptive()
    _core.set_adaptive(False)


def everything(chain: list[layers.Layer]) -> list[layers.Layer]:
    """The layers, and those within them."""
    inner = [
        one for layer in chain if isinstance(layer, Nested) for one in everything(layer._inner)
    ]
    return [*chain, *inner]


def test_every_piece_is_in_a_network() -> None:
    """A new layer, activation, loss, optimizer or initializer needs a place in `CASES`."""
    used = [layer for case in selftest.CASES for layer in everything(case.layers())]
    known = {
        getattr(layers, name)
        for name in layers.__all__
        if isinstance(getattr(layers, name), type) and name not in ("Layer", "InputLayer", "Lambda")
        if not issubclass(getattr(layers, name), Preprocessing)
    }
    assert {type(layer) for layer in used} == known
    kinds = (layers.Dense, layers.Activation)
    assert {layer.activation for layer in used if isinstance(layer, kinds)} == set(NATIVE)
    for kind in kinds:  # in a product's epilogue, and alone
        activations = {layer.activation for layer in used if isinstance(layer, kind)}
        assert activations >= {"linear", "relu", "sigmoid", "tanh", "softmax"}
    made = [case.loss() for case in selftest.CASES]
    assert {type(loss) for loss in made} == set(losses.KNOWN.values())
    forms = {(type(loss), loss.from_logits) for loss in made}
    crossentropies = [name for name in losses.KNOWN if "crossentropy" in name]
    assert len(forms) == len(losses.KNOWN) + len(crossentropies)  # these have logits, too
    rules = {type(case.optimizer()) for case in selftest.CASES}
    assert rules == set(optimizers.KNOWN.values())
    first = {type(value) for layer in used for value in layer.parameter_initializers.values()}
    assert first >= set(initializers.KNOWN.values())
    penalties = {
        type(value)
        for layer in used
        for value in (layer.activity_regularizer, *layer.parameter_regularizers.values())
    }
    assert penalties == {type(None), *regularizers.CLASS_NAMES.values()}
    limits = {type(value) for layer in used for value in layer.parameter_constraints.values()}
    assert limits == {type(None), *constraints.KNOWN.values()}


def test_the_data_are_splitmix64() -> None:
    # The first words of seed 0, as in the reference program by Vigna (prng.di.unimi.it).
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert networks.words(3, 0).tolist() == expected


def test_a_hash_sees_every_bit_but_a_nans() -> None:
    nan = np.array([0x7FC00000, 0xFFC00001, 0x7F800001], np.uint32).view(np.float32)
    assert len({steps._digest({"x": nan[i : i + 1]}) for i in range(3)}) == 1
    others = [np.float32(0.0), np.float32(-0.0), np.float64(0.0), np.float32(1), [np.float32(0.0)]]
    assert len({steps._digest({"x": value}) for value in others}) == len(others)
