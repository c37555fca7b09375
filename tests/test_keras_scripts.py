"""Scripts as tutorials for Keras write them run here when only their imports change."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

import keras_shared  # noqa: F401 - chooses Keras's backend

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
pytestmark = [
    pytest.mark.keras,
    # Keras advises against what older tutorials do.
    pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
    # What it says of optimizers that have not made a step yet.
    pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning"),
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning"),
    # We advise against Keras's endings for files that Keras cannot read.
    pytest.mark.filterwarnings("ignore:.*which Keras cannot read:UserWarning"),
]

FOLDER = Path(__file__).parent / "keras_scripts"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
# Keras's lookups of texts and windows of series are TensorFlow's.
NEEDS_TENSORFLOW = ("headlines", "weather")
# How far losses at the end of trainings that began alike may be apart, by themselves and beside the
# first: they differ in the order of samples, in what dropout drops, and where weights are not known
# before the first data.
SHARE, SMALL = 0.4, 0.1


def with_our_imports(source: str) -> str:
    """The script with `keras` replaced by `mundur` in the lines that import it, nowhere else."""
    source = re.sub(r"^import keras$", "import mundur as keras", source, flags=re.M)
    return re.sub(r"^from keras(?=[. ])", "from mundur", source, flags=re.M)


class Watched:
    """The trainings of a script, in order: their first weights, and what came of them.

    A training in the second library begins with the weights that it had in the first, unless
    its layers have learned something already.
    """

    def __init__(self, starts: dict[int, list[Any]] | None = None) -> None:
        self.starts: dict[int, list[Any]] = {}
        self.histories: list[dict[str, list[float]]] = []
        self._given = starts
        self._trained: list[Any] = []

    def watch(self, model_class: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        fit = model_class.fit

        def watched(model: Any, *args: Any, **options: Any) -> Any:
            number = len(self.histories)
            layers = list(leaves(model))
            if model.built and not any(one is old for one in layers for old in self._trained):
                self._begin(model, number)
            self._trained += layers
            self.histories.append({})
            history = fit(model, *args, **options)
            self.histories[number] = history.history
            return history

        monkeypatch.setattr(model_class, "fit", watched)

    def _begin(self, model: Any, number: int) -> None:
        # Keras's Normalization counts its samples, too, in a scalar.
        weights = [w for w in map(np.array, model.get_weights()) if w.shape]
        self.starts[number] = weights
        if self._given is not None and number in self._given:
            given = self._given[number]
            shapes, others = ([w.shape for w in one] for one in (given, weights))
            assert sorted(shapes) == sorted(others)
            if shapes == others:  # else layers at one depth of a graph stand in another order
                model.set_weights(given)


def leaves(model: Any) -> Iterator[Any]:
    """The layers of a model and of those within it."""
    for layer in model.layers:
        yield from leaves(layer) if hasattr(layer, "layers") else (layer,)


def run(source: str, name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, f"{name}.py", "exec"), names)
    return names


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_with_either_and_learns_as_well(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: Any
) -> None:
    if name in NEEDS_TENSORFLOW:
        pytest.importorskip("tensorflow", reason=f"Keras needs TensorFlow for {name}.py")
    if name == "housing":
        packed = request.getfixturevalue("shared_data") / "california-housing/cal_housing.csv.gz"
        path = tmp_path / "housing.csv"
        path.write_bytes(gzip.decompress(packed.read_bytes()))
        monkeypatch.setenv("CALIFORNIA_HOUSING", str(path))
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    changed = with_our_imports(source)
    assert not re.search(r"^(import|from) keras", changed, re.M)
    assert len(changed.splitlines()) == len(source.splitlines())
    first = Watched()
    first.watch(keras.Model, monkeypatch)
    theirs = run(source, name)
    second = Watched(first.starts)
    second.watch(md.Model, monkeypatch)
    ours = run(changed, name)
    for told in ("names", "columns", "vocabulary"):
        assert theirs.get(told) == ours.get(told)
    assert theirs["scores"].keys() == ours["scores"].keys()
    for score, value in theirs["scores"].items():
        assert value > 0.6, f"{score}: Keras itself learned nothing"
        assert ours["scores"][score] == pytest.approx(value, abs=0.06), score
    assert len(first.histories) == len(second.histories)
    for other, mine in zip(first.histories, second.histories, strict=True):
        assert sorted(other) == sorted(mine)
        last = min(len(other["loss"]), len(mine["loss"])) - 1
        pair = other["loss"][last], mine["loss"][last]
        apart = max(pair) - min(pair)
        assert apart < SHARE * min(pair) + SMALL * other["loss"][0], (name, other, mine)


def test_none_is_missing() -> None:
    assert [
        *("anomalies", "answers", "attention", "autoencoder", "batches", "between", "blocks"),
        *("by_hand", "committee", "convnet", "denoising", "digits", "films", "folds", "fraud"),
        *("frozen", "headlines", "housing", "inception", "iris", "lenet", "numerals"),
        *("overfitting", "patients", "quantiles", "rates", "residual", "reviews", "scorers"),
        *("sentences", "siamese", "skips", "subclassed", "tickets", "transfer", "tumours"),
        *("twins", "variational", "watching", "waves", "weather", "wide_and_deep", "xor"),
    ] == SCRIPTS
