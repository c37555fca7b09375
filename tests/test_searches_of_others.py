"""Engines that search for us: Optuna prunes, joblib and Dask spread."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from cells import mostly_slow

Array = npt.NDArray[Any]


def data() -> tuple[Array, Array]:
    x = np.random.default_rng(0).normal(size=(200, 5))
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def model(learning_rate: float) -> md.Model:
    made = md.Model([md.layers.Dense(8, "tanh"), md.layers.Dense(2, "softmax")], seed=0)
    made.compile(
        md.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return made


def test_optuna_gives_up_what_lags_behind() -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    epochs: dict[int, int] = {}
    x, y = data()

    def objective(trial: Any) -> float:
        made = model([0.05, 0.05, 0.05, 1e-7, 1e-7][trial.number])
        watch = md.callbacks.OptunaPruning(trial, "val_accuracy")
        try:
            made.fit(x, y, epochs=8, validation_split=0.2, verbose=0, callbacks=[watch])
        finally:
            assert made.history is not None
            epochs[trial.number] = len(made.history.epoch)
            made.fit(x, y, verbose=0)  # it is whole
        return float(np.max(made.evaluate(x, y, verbose=0)[1]))  # type: ignore[index]

    pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=2)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    study.optimize(objective, n_trials=5, catch=())
    states = [trial.state.name for trial in study.trials]
    assert states[:3] == ["COMPLETE"] * 3 or "PRUNED" in states[2]
    assert states[3:] == ["PRUNED"] * 2
    assert epochs[0] == 8
    assert epochs[3] == epochs[4] < 8
    told = study.trials[0].intermediate_values
    assert list(told) == list(range(8))


def test_optuna_hears_when_the_number_does_not_suit() -> None:
    optuna = pytest.importorskip("optuna")
    x, y = data()
    for direction, monitor, words in (
        ("minimize", "accuracy", r"maximize|should be large.*direction='maximize'"),
        ("maximize", "loss", r"should be small.*direction='minimize'"),
        ("minimize", "val_loss", r"pass validation_data="),
    ):
        trial = optuna.create_study(direction=direction).ask()
        watch = md.callbacks.OptunaPruning(trial, monitor)
        with pytest.raises(ValueError, match=words):
            model(0.01).fit(x, y, epochs=2, verbose=0, callbacks=[watch])
    many = optuna.create_study(directions=["minimize", "minimize"]).ask()
    with pytest.raises(ValueError, match="a study of one objective; got 2"):
        watch = md.callbacks.OptunaPruning(many, "loss")
        model(0.01).fit(x, y, verbose=0, callbacks=[watch])
    with pytest.raises(TypeError, match=r"trial must be an optuna.Trial; got int"):
        md.callbacks.OptunaPruning(3)


def test_a_trial_is_told_without_optuna() -> None:
    """Whatever reports and prunes is a trial."""

    class Trial:
        def __init__(self) -> None:
            self.told: list[tuple[int, float]] = []

        def report(self, value: float, step: int) -> None:
            self.told.append((step, value))

        def should_prune(self) -> bool:
            return False

    trial = Trial()
    x, y = data()
    history = model(0.01).fit(
        x, y, epochs=3, verbose=0, callbacks=[md.callbacks.OptunaPruning(trial, "loss")]
    )
    assert trial.told == list(enumerate(history.history["loss"]))


SPREAD = """
import joblib, numpy as np
import mundur as md

def judged(rate):
    x = np.random.default_rng(0).normal(size=(200, 5))
    model = md.Model([md.layers.Dense(8, "tanh"), md.layers.Dense(1)], seed=0)
    model.compile(md.optimizers.SGD(rate), "mse")
    return model.fit(x, x[:, :1] ** 2, epochs=3, verbose=0).history["loss"][-1]

def main():
    rates = [0.1, 0.01, 0.001]
    here = [judged(rate) for rate in rates]
    with BACKEND:
        there = joblib.Parallel(n_jobs=2)(joblib.delayed(judged)(rate) for rate in rates)
    assert here == there, (here, there)
    print("same")

if __name__ == "__main__":
    main()
"""
DASK = """
import contextlib
from distributed import Client, LocalCluster

@contextlib.contextmanager
def cluster():
    options = dict(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with LocalCluster(**options) as local, Client(local), joblib.parallel_config("dask"):
        yield
"""


def spread(code: str, folder: Any) -> str:
    """What a script says: processes of joblib import it, so that it must be a file."""
    script = folder / "spread.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    return done.stdout or done.stderr


@pytest.mark.parametrize(
    ("module", "backend", "setup"),
    [
        ("joblib", 'joblib.parallel_config("loky")', ""),
        ("joblib", 'joblib.parallel_config("multiprocessing")', ""),
        ("joblib", 'joblib.parallel_config("threading")', ""),
        ("distributed", "cluster()", DASK),
    ],
    ids=["loky", "fork", "threads", "dask"],
)
def test_joblib_spreads_trainings(module: str, backend: str, setup: str, tmp_path: Any) -> None:
    pytest.importorskip(module)
    body = SPREAD.replace("BACKEND", backend)
    first, _, rest = body.partition("def judged")
    assert spread(f"{first}{setup}\ndef judged{rest}", tmp_path) == "same\n"


SEARCH = """
import joblib, numpy as np
from mundur.sklearn import MLPClassifier
from sklearn.model_selection import GridSearchCV

def found(jobs):
    x = np.random.default_rng(0).normal(size=(120, 5))
    grid = {"alpha": [0.0, 1.0], "learning_rate_init": [0.001, 0.03]}
    search = GridSearchCV(MLPClassifier(8, max_iter=9, random_state=0), grid, cv=2, n_jobs=jobs)
    search.fit(x, x[:, 0] * x[:, 1] > 0)
    return search.best_params_, search.cv_results_["mean_test_score"].tolist()

if __name__ == "__main__":
    alone = found(1)
    with joblib.parallel_config("BACKEND"):
        assert found(2) == alone
    print("same")
"""


@pytest.mark.parametrize(
    "backend", mostly_slow(["loky", "multiprocessing", "threading"], ["threading"])
)
def test_searches_of_scikit_learn_find_the_same_in_parallel(backend: str, tmp_path: Any) -> None:
    pytest.importorskip("sklearn", minversion="1.6")
    assert spread(SEARCH.replace("BACKEND", backend), tmp_path) == "same\n"
