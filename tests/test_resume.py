"""A training that was stopped anywhere, and taken up from a file, ends as one that never was."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

from cases import AROUND, OPTIMIZERS
from cells import mostly_slow
from states import training_state
from waiting import Child

Checkpoint = md.callbacks.ModelCheckpoint
FEW_RULES = [md.optimizers.SGD(0.05, 0.9), md.optimizers.Adam(0.01), md.optimizers.SGD(0.1)]


class Die(md.Callback):
    """Raises before a step, counted over all epochs, as a kill would come."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.step -= 1
        if self.step < 0:
            raise ZeroDivisionError("killed")


def make(rule: Any, classifier: Any, **options: Any) -> md.Model:
    own = type(rule).from_config(rule.get_config())
    model: md.Model = classifier(own, ("accuracy",), 0.3, **options)
    return model


# ---- the law, between two epochs -----------------------------------------------------------------

OPT, S = md.optimizers, md.schedules
RULES = [
    *(getattr(OPT, case.optimizer)(**case.arguments) for case in (*OPTIMIZERS, *AROUND)),
    OPT.AdamW(S.CosineDecay(1e-3, 30, warmup_target=1e-2, warmup_steps=5), amsgrad=True),
    OPT.Adagrad(S.WarmUp(S.ExponentialDecay(0.1, 10, 0.5), 4)),
    OPT.RMSprop(momentum=0.5, centered=True, clipnorm=0.1),
    OPT.Nadam(gradient_accumulation_steps=3),  # of 4 batches: a sum is under way
    OPT.Adamax(global_clipnorm=0.1),
    OPT.Adadelta(clipvalue=0.01),
    OPT.Lion(0.001, weight_decay=0.1),
]


def jitter(x: Any, rng: np.random.Generator) -> Any:
    return x + rng.normal(0, 0.3, size=x.shape)


AUGMENTED = [md.augment.Flip("horizontal_and_vertical"), md.augment.Shift(1), md.augment.Noise(0.3)]
HOW: dict[str, dict[str, Any]] = {
    "augmented": {"augment": AUGMENTED},
    "augmented in Python": {"augment": jitter},
    "blocks": {"shuffle": "block"},
    "in order": {"shuffle": False},
}


@pytest.mark.share(2)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("rule", "how"),
    [
        *(pytest.param(rule, {}, id=repr(rule)) for rule in RULES),
        *(pytest.param(OPT.Adam(), how, id=name) for name, how in HOW.items()),
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(
    rule: Any, how: dict[str, Any], dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(md.training.plan, "block_rows", lambda features, size: 25)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3, 4)).astype(dtype), rng.integers(0, 3, 60)
    options = {"batch_size": 16, "verbose": 0, **how}

    def made() -> md.Model:
        layers = [md.layers.Flatten(), md.layers.Dense(8, "relu"), md.layers.BatchNormalization()]
        layers += [md.layers.Dropout(0.4), md.layers.Dense(3, "softmax")]
        model = md.Model(layers, seed=7, dtype=dtype)
        own = type(rule).from_config(rule.get_config())
        model.compile(own, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    whole, part = made(), made()
    # Averages are put into their place at the end of a fit, which is then part of the law.
    for end in (2, 4) if rule.use_ema else (4,):
        expected = whole.fit(x, y, epochs=end, initial_epoch=whole.epochs_begun, **options).history
    part.fit(x, y, epochs=2, **options)
    part.save(tmp_path / "part.safetensors")
    for rest in ({"epochs": 4, "initial_epoch": 2}, {"epochs": 2}):
        resumed = md.load_model(tmp_path / "part.safetensors")
        history = resumed.fit(x, y, **rest, **options).history
        assert history == {name: values[-2:] for name, values in expected.items()}
        assert training_state(resumed) == training_state(whole)


# ---- within an epoch: resume_from ----------------------------------------------------------------


@pytest.mark.parametrize("rule", FEW_RULES, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("died", mostly_slow([4, 8, 9, 11, 24], (8, 11)))
def test_a_run_that_died_within_an_epoch(
    rule: Any, dtype: str, shuffle: bool, died: int, blobs: Any, classifier: Any, tmp_path: Path
) -> None:
    # 8 batches an epoch; the file is of the last 4th batch before: within, at and after its end.
    options: Any = {"epochs": 4, "verbose": 0, "validation_split": 0.2, "shuffle": shuffle}
    path = tmp_path / "m.safetensors"
    whole = make(rule, classifier, dtype=dtype)
    expected = whole.fit(*blobs, **options)
    part = make(rule, classifier, dtype=dtype)
    with pytest.raises(ZeroDivisionError):
        part.fit(*blobs, callbacks=[Checkpoint(path, save_freq=4), Die(died)], **options)
    resumed = make(rule, classifier, dtype=dtype)
    resumed.fit(*blobs, epochs=1, verbose=0)  # whatever it did before does not matter
    history = resumed.fit(*blobs, resume_from=path, **options)
    first = (died // 4 * 4 - 1) // 8  # whose end the file had not seen
    assert history.epoch == list(range(first, 4))
    for name, values in expected.history.items():
        assert history.history[name] == values[first:]
    assert training_state(resumed) == training_state(whole)


def test_between_epochs(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    rule = md.optimizers.Adam(0.01)
    whole = make(rule, classifier)
    expected = whole.fit(*blobs, epochs=5, verbose=0)
    part = make(rule, classifier)
    part.fit(*blobs, epochs=2, verbose=0, callbacks=[Checkpoint(path)])
    for file in (path, tmp_path / "saved"):
        part.save(tmp_path / "saved")  # after a fit that came to its end
        resumed = md.load_model(file)
        history = resumed.fit(*blobs, batch_size=32, epochs=5, verbose=0, resume_from=file)
        assert history.epoch == [2, 3, 4]
        assert history.history["loss"] == expected.history["loss"][2:]
        assert training_state(resumed) == training_state(whole)
    again = resumed.fit(*blobs, epochs=2, verbose=0, resume_from=path)
    assert again.epoch == []
    assert again.stop_reason == "epochs"
    assert training_state(resumed) == training_state(part)


def test_after_ctrl_c(blobs: Any, classifier: Any, tmp_path: Path, ctrl_c: Any) -> None:
    class Interrupt(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 5 and self.model.epochs_begun == 2:
                ctrl_c()

    rule = md.optimizers.Adam(0.01)
    whole, part = make(rule, classifier), make(rule, classifier)
    expected = whole.fit(*blobs, epochs=3, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        # Whose best weights would not be those of the place.
        keeps = md.callbacks.EarlyStopping("loss", restore_best_weights=True)
        part.fit(*blobs, 32, 3, 0, callbacks=[Interrupt(), keeps])
    assert part.history.history["loss"] == expected.history["loss"][:1]
    part.save(tmp_path / "m")
    # The same bytes again, after a file as well.
    md.load_model(tmp_path / "m").save(tmp_path / "again")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "again").read_bytes()
    history = part.fit(*blobs, epochs=3, verbose=0, resume_from=tmp_path / "m")
    assert history.history["loss"] == expected.history["loss"][1:]
    assert training_state(part) == training_state(whole)


@pytest.mark.parametrize("died", [5, 16, 21])
def test_callbacks_go_on_counting(died: int, blobs: Any, classifier: Any, tmp_path: Path) -> None:
    x, y = blobs

    def callbacks(name: str) -> list[md.Callback]:
        return [
            Checkpoint(tmp_path / name, save_freq=5),
            md.callbacks.ReduceLROnPlateau("loss", 0.5, 2, min_delta=0.05, cooldown=1),
            md.callbacks.EarlyStopping("val_loss", 0.02, 3, restore_best_weights=True),
            md.callbacks.LearningRateScheduler(lambda epoch, rate: 0.9 * rate),
        ]

    options: Any = {"epochs": 12, "verbose": 0, "validation_split": 0.2}
    whole = make(md.optimizers.Adam(0.05), classifier)
    expected = whole.fit(x, y, callbacks=callbacks("whole"), **options)
    assert len(expected.epoch) < 12
    part = make(md.optimizers.Adam(0.05), classifier)
    with pytest.raises(ZeroDivisionError):
        part.fit(x, y, callbacks=[*callbacks("part"), Die(died)], **options)
    resumed = make(md.optimizers.Adam(0.05), classifier)
    history = resumed.fit(
        x, y, callbacks=callbacks("part"), resume_from=tmp_path / "part", **options
    )
    first = history.epoch[0]
    assert history.stop_reason == expected.stop_reason == "patience"
    assert history.history == {name: v[first:] for name, v in expected.history.items()}
    assert training_state(resumed) == training_state(whole)
    assert (tmp_path / "part").read_bytes() == (tmp_path / "whole").read_bytes()


def test_metrics_of_the_whole_epoch(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    def entropy(y_true: Any, y_pred: Any) -> float:
        return float(np.sum(y_pred * np.cos(np.arange(len(y_true)))[:, None]))

    wanted = [entropy, "accuracy", md.metrics.Precision()]
    whole = classifier(metrics=wanted, dropout=0.2)
    expected = whole.fit(*blobs, epochs=2, verbose=0).history
    part = classifier(metrics=wanted, dropout=0.2)
    path = tmp_path / "m"
    with pytest.raises(ZeroDivisionError):
        part.fit(*blobs, epochs=2, verbose=0, callbacks=[Checkpoint(path, save_freq=3), Die(7)])
    resumed = classifier(metrics=wanted, dropout=0.2)
    history = resumed.fit(*blobs, epochs=2, verbose=0, resume_from=path).history
    assert history == expected


SCRIPT = """
import sys
import mundur as md, numpy as np
path, limit, resume = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "resume"
rng = np.random.default_rng(0)
x, y = rng.normal(size=(400, 20)), rng.normal(size=400)
layers = [md.layers.Dense(30, "tanh"), md.layers.Dropout(0.2), md.layers.Dense(1)]
model = md.Model(layers, seed=1)
model.compile("adam", "mse", metrics=["mae"])
print("begins", flush=True)
history = model.fit(x, y, 8, limit, 0, validation_split=0.2, resume_from=path if resume else None,
                    callbacks=[md.callbacks.ModelCheckpoint(path, save_freq=7)])
print(*(value.hex() for values in history.history.values() for value in values[-3:]))
print(*(w.tobytes().hex() for w in model.get_weights()))
print(*(a.tobytes().hex() for a in model.optimizer._native.state()[0].values()))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_run_that_was_killed(tmp_path: Path) -> None:
    def arguments(path: Path, how: str) -> list[str]:
        return ["-c", SCRIPT, str(path), "12", how]

    def end(path: Path, how: str) -> str:
        command = [sys.executable, *arguments(path, how)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
        return done.stdout

    whole = end(tmp_path / "whole", "new")
    path, how = tmp_path / "part", "new"
    kills = 0
    for _ in range(3):  # killed, resumed, killed again, resumed
        with Child(*arguments(path, how)) as process:
            process.line()
            before = path.read_bytes() if path.exists() else b""
            while process.poll() is None:
                if path.exists() and path.read_bytes() != before:
                    process.kill()
                    kills += 1
                    break
                time.sleep(0.0005)
            process.wait(timeout=60)
        how = "resume"
    assert kills == 3
    assert end(path, how) == whole


def test_what_does_not_fit_together(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    x, y = blobs
    within, between = tmp_path / "within", tmp_path / "between"
    model = classifier()
    with pytest.raises(ZeroDivisionError):
        model.fit(x, y, verbose=0, callbacks=[Checkpoint(within, save_freq=3), Die(5)])
    model.fit(x, y, verbose=0, callbacks=[Checkpoint(between)])
    fresh = classifier()
    before = fresh.fit(x, y, verbose=0) and training_state(fresh)
    for arguments, words in (
        ({"batch_size": 16}, "batch_size must be 32"),
        ({"shuffle": False}, "shuffle must be True"),
        ({"validation_split": 0.1}, "the number of training samples must be 300"),
        ({"initial_epoch": 2}, "initial_epoch comes from the file"),
    ):
        with pytest.raises(ValueError, match=words):
            fresh.fit(x, y, epochs=3, verbose=0, resume_from=within, **arguments)
    with pytest.raises(ValueError, match="metrics must be"):
        classifier(metrics=()).fit(x, y, verbose=0, resume_from=within)
    for other, words in (
        (classifier(seed=8), "seed must be that of the file, 7; got 8"),
        (classifier(dtype="float64"), "dtype must be"),
        (classifier(dropout=0.5), "layers must be"),
        (classifier(md.optimizers.SGD(0.1)), "optimizer must be that of the file, Adam; got SGD"),
    ):
        with pytest.raises(ValueError, match=words):
            other.fit(x, y, verbose=0, resume_from=between)
    with pytest.raises(FileNotFoundError):
        fresh.fit(x, y, verbose=0, resume_from=tmp_path / "none")
    with pytest.raises(TypeError, match="resume_from must be the path"):
        fresh.fit(x, y, verbose=0, resume_from=3)
    # The rate may have been changed on the way; an argument that no optimizer can change may not.
    other = classifier(md.optimizers.Adam(0.5, 0.8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(md.optimizers.Adam, "beta_1", property(md.optimizers.Adam.beta_1.fget))
        with pytest.raises(ValueError, match=r"beta_1 of the optimizer must be .* 0\.9; got 0\.8"):
            other.fit(x, y, verbose=0, resume_from=between)
    classifier(md.optimizers.Adam(0.5)).fit(x, y, epochs=2, verbose=0, resume_from=between)
    trained, compiled = classifier(), classifier()
    for other in (trained, compiled):
        other.fit(x, y, verbose=0)
    trained.train_on_batch(x, y)
    compiled.compile(compiled.optimizer, compiled.loss, metrics=["accuracy"])
    for other in (trained, compiled):
        other.save(tmp_path / "else")
        with pytest.raises(ValueError, match="was not saved within or after a fit"):
            fresh.fit(x, y, verbose=0, resume_from=tmp_path / "else")
    fresh = classifier()
    fresh.fit(x, y, verbose=0)
    assert training_state(fresh) == before  # what was refused changed nothing
    fresh.fit(x, y, 64, 2, 0, resume_from=between)  # between epochs all of that may change


@pytest.mark.parametrize(
    "change",
    [
        lambda outputs: None,
        lambda outputs: outputs[:1],
        lambda outputs: outputs[:, :0],
        lambda outputs: outputs[0],
        lambda outputs: outputs.astype(np.float64),
        lambda outputs: outputs.ravel(),
    ],
)
def test_outputs_that_a_file_lacks_are_not_made_up(change: Any, tmp_path: Path) -> None:
    path, x, y = tmp_path / "m.safetensors", np.ones((8, 2)), np.arange(8) % 2
    model = md.Model([md.layers.Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "bce", metrics=["auc"])
    model.fit(x, y, 2, verbose=0, callbacks=[Checkpoint(path, save_freq=3)])
    part = md.load_model(path)
    assert part.fit(x, y, 2, 1, 0, resume_from=path).history["auc"] == model.history.history["auc"]
    part = md.load_model(path)
    part._place = part._place._replace(outputs=change(part._place.outputs))
    part.save(path)
    before = part.get_weights()
    with pytest.raises(ValueError, match=r"must hold the outputs of .*, float32 of shape \(6, 1\)"):
        part.fit(x, y, 2, 1, 0, resume_from=path)
    for one, other in zip(before, part.get_weights(), strict=True):
        assert np.array_equal(one, other)
