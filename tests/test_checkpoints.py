"""ModelCheckpoint: which files it writes, and that a kill never leaves half of one."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

from waiting import Child

Checkpoint = md.callbacks.ModelCheckpoint


def same(one: md.Model, two: md.Model) -> bool:
    pairs = zip(one.get_weights(), two.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_per_epoch(blobs: Any, classifier: Any, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "new" / "m-{epoch:02d}-{loss:.1f}.safetensors"
    model = classifier(md.optimizers.SGD(0.0))
    model.fit(*blobs, epochs=2, verbose=0, callbacks=[Checkpoint(path, verbose=1)])
    loss = f"{model.evaluate(*blobs)[0]:.1f}"
    wanted = [f"m-0{epoch}-{loss}.safetensors" for epoch in (1, 2)]
    assert names(tmp_path / "new") == wanted
    assert f"Epoch 2: saving the model to {tmp_path / 'new' / wanted[1]}" in capsys.readouterr().out


def test_the_last_file_is_the_model(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model = classifier()
    # ReduceLROnPlateau changes the rate although it comes behind in the list.
    fall = md.callbacks.ReduceLROnPlateau("loss", 0.5, 0, min_delta=10.0)
    model.fit(*blobs, epochs=3, verbose=0, callbacks=[Checkpoint(path), fall])
    other = md.load_model(path)
    assert same(model, other)
    assert other.optimizer is not None
    assert other.optimizer.learning_rate == model.optimizer.learning_rate < 1e-2


def test_only_the_best(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    x, y = blobs
    kept: list[Any] = []

    class Keep(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            kept.append((logs["val_accuracy"], self.model.get_weights()))

    model = classifier(md.optimizers.SGD(3.0))
    path = tmp_path / "best.safetensors"
    best = Checkpoint(path, "val_accuracy", save_best_only=True, save_weights_only=True)
    model.fit(x, y, epochs=8, validation_split=0.3, verbose=0, callbacks=[best, Keep()])
    scores = [score for score, _ in kept]
    wanted = kept[int(np.argmax(scores))][1]
    model.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(wanted, model.get_weights(), strict=True))
    assert best.best == max(scores)
    with pytest.raises(ValueError, match="load_weights"):
        md.load_model(path)


def test_the_first_best_must_beat_the_threshold(
    blobs: Any, classifier: Any, tmp_path: Path
) -> None:
    best = Checkpoint(tmp_path / "m", "loss", save_best_only=True, initial_value_threshold=1e-9)
    classifier().fit(*blobs, epochs=2, verbose=0, callbacks=[best])
    assert names(tmp_path) == []


def test_every_so_many_batches(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    path = tmp_path / "{epoch}-{batch}"
    classifier().fit(*blobs, epochs=2, verbose=0, callbacks=[Checkpoint(path, save_freq=7)])
    # 10 batches an epoch: the 7th and the 14th.
    assert names(tmp_path) == ["1-7", "2-4"]


def test_what_the_path_names_must_be_known(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    for text in ("{val_loss}", "{batch}", "{}", "{"):
        with pytest.raises(ValueError, match=r"filepath .* cannot be filled in"):
            classifier().fit(*blobs, verbose=0, callbacks=[Checkpoint(tmp_path / text)])


def test_a_monitor_must_be_reported(blobs: Any, classifier: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ModelCheckpoint monitors 'val_loss'"):
        best = Checkpoint(tmp_path / "m", save_best_only=True)
        classifier().fit(*blobs, verbose=0, callbacks=[best])
    classifier().fit(*blobs, verbose=0, callbacks=[Checkpoint(tmp_path / "m")])


SCRIPT = """
import sys
import mundur as md, numpy as np
model = md.Model([md.layers.Dense(300), md.layers.Dense(1)], input_shape=(300,), seed=0)
model.compile("adam", "mse")
x = np.ones((64, 300), np.float32)
checkpoint = md.callbacks.ModelCheckpoint(sys.argv[1], save_freq=1)
say = md.callbacks.LambdaCallback(on_train_begin=lambda logs: print("begins", flush=True))
model.fit(x, x[:, 0], epochs=10**6, verbose=0, callbacks=[say, checkpoint])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_kill_leaves_the_old_file_or_the_new(tmp_path: Path, full: bool) -> None:
    path = tmp_path / "m.safetensors"
    steps = []
    for attempt in range(0, 8, 1 if full else 3):
        with Child("-c", SCRIPT, path) as process:
            assert process.line() == "begins\n"
            while not path.exists():
                assert process.poll() is None
                time.sleep(0.001)
            time.sleep(0.013 * attempt)
        model = md.load_model(path)  # raises for anything but a whole file
        assert model.optimizer is not None
        steps.append(model.optimizer.iterations)
    assert min(steps) >= 1
