"""The perceptrons' numbers are scikit-learn's: losses of 30 epochs over one order of batches."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import mundur
import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.9", reason="compares with scikit-learn 1.9")
import mundur.sklearn as ours
import sklearn.neural_network as theirs

pytestmark = pytest.mark.filterwarnings("ignore:features of x are far apart:UserWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((230, 6))
SUM = X @ RNG.standard_normal((6, 3)) + np.sin(3 * X[:, :3])
TARGETS: dict[str, Any] = {
    "three": SUM.argmax(axis=1),
    "words": np.array(["no", "yes"])[(SUM[:, 0] > 0).astype(int)],
    "labels": (SUM > 0).astype(int),
    "number": SUM[:, 0],
    "numbers": SUM,
    "counts": np.floor(np.abs(SUM[:, 0])),
}
WEIGHTS = np.r_[np.zeros(5), RNG.random(225) * 3]


class Case(NamedTuple):
    """Targets, and arguments beside those of all."""

    targets: str
    arguments: Mapping[str, Any] = MappingProxyType({})
    weights: Any = None


SGD = {"solver": "sgd", "learning_rate_init": 0.05}
CASES = [
    *(Case(name) for name in TARGETS),
    *(Case(name, SGD) for name in TARGETS),
    *(Case("three", {"activation": a, "alpha": 0.5}) for a in ("identity", "logistic", "tanh")),
    Case("three", {"alpha": 0.5, "batch_size": 50}),
    Case("three", {"alpha": 0.5, "batch_size": 1000}),
    Case("three", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    Case("labels", {"epsilon": 1e-2}),
    Case("numbers", {"alpha": 0.5, "epsilon": 1e-2}),
    Case("three", {**SGD, "nesterovs_momentum": False}),
    Case("three", {**SGD, "momentum": 0.0}),
    Case("numbers", {**SGD, "learning_rate": "invscaling", "power_t": 0.2}),
    Case("labels", {**SGD, "learning_rate": "invscaling", "power_t": 0.2, "momentum": 0.0}),
    Case("three", {**SGD, "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 2}),
    Case("three", {"alpha": 0.5}, WEIGHTS),
    Case("labels", {**SGD, "alpha": 0.5}, WEIGHTS),
    Case("numbers", {"alpha": 0.5, "batch_size": 50}, WEIGHTS),
    Case("counts", {"loss": "poisson", "alpha": 0.5}),
    Case("counts", {"loss": "poisson", "batch_size": 50, **SGD}, WEIGHTS),
    *(Case(name, {"early_stopping": True}) for name in TARGETS),
    Case("words", {"early_stopping": True, "validation_fraction": 0.3}, WEIGHTS),
    Case("three", {"hidden_layer_sizes": []}),
]


def name_of(case: Case) -> str:
    given = [f"{name}={value}" for name, value in case.arguments.items()]
    return "-".join([case.targets, *given, *["weights"] * (case.weights is not None)])


def class_of(library: Any, targets: str) -> Any:
    is_class = targets in ("three", "words", "labels")
    return library.MLPClassifier if is_class else library.MLPRegressor


@pytest.mark.share(3)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*batch_size:UserWarning")
@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_losses_and_weights_of_thirty_epochs(case: Case) -> None:
    usual = {"hidden_layer_sizes": (7, 5), "tol": 0.0, "n_iter_no_change": 40, "max_iter": 30}
    arguments = {**usual, "shuffle": False, "random_state": 3, **case.arguments}
    found = []
    for library in (ours, theirs):
        estimator = class_of(library, case.targets)(**arguments)
        found.append(estimator.fit(X, TARGETS[case.targets], sample_weight=case.weights))
    mine, other = found
    assert mine.n_iter_ == other.n_iter_
    assert mine.t_ == other.t_
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-9, atol=0)
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(mine, name), getattr(other, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)
    for name in ("best_loss_", "best_validation_score_", "validation_scores_"):
        a, b = getattr(mine, name), getattr(other, name)
        assert (a is None and b is None) or a == pytest.approx(b, rel=1e-9)
    assert mine.out_activation_ == other.out_activation_
    assert mine._no_improvement_count == other._no_improvement_count
    a, b = mine.predict(X), other.predict(X)
    assert a.dtype == b.dtype and a.shape == b.shape
    assert np.array_equal(a, b) if a.dtype.kind != "f" else np.allclose(a, b, rtol=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("targets", ["three", "labels"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_epochs_one_by_one(targets: str, solver: str) -> None:
    found = []
    for library in (ours, theirs):
        estimator = library.MLPClassifier(
            7, solver=solver, learning_rate="invscaling", shuffle=False, random_state=0, alpha=0.5
        )
        classes = np.arange(3)
        for _ in range(5):
            estimator.partial_fit(X, TARGETS[targets], classes=classes)
        found.append(estimator)
    np.testing.assert_allclose(*(e.loss_curve_ for e in found), rtol=1e-12)
    np.testing.assert_allclose(*(e.predict_proba(X) for e in found), rtol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("targets", ["number", "labels", "three"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_begin"])
def test_callbacks_set_the_rate(hook: str, solver: str, targets: str) -> None:
    def curve(rates: Any, **arguments: Any) -> list[float]:
        class Rates(mundur.Callback):
            def listen(self, epoch: int, logs: Any = None) -> None:
                seen.append(self.model.optimizer.learning_rate)
                self.model.optimizer.learning_rate = rates(epoch, seen[-1])

        setattr(Rates, hook, Rates.listen)
        usual = {"solver": solver, "shuffle": False, "random_state": 3, "max_iter": 5}
        usual |= {"batch_size": 230, **arguments}
        estimator = class_of(ours, targets)(
            hidden_layer_sizes=(7,), **usual, callbacks=rates and [Rates()]
        )
        return list(estimator.fit(X, TARGETS[targets]).loss_curve_)

    seen: list[float] = []
    alone = curve(None)
    assert curve(lambda epoch, rate: rate) == pytest.approx(alone, rel=1e-12)
    assert seen == [0.001] * 5
    still = curve(lambda epoch, rate: 1e-12)
    assert still[-1] == pytest.approx(still[0], rel=1e-9)
    fast = curve(None, learning_rate_init=0.02)
    assert curve(lambda epoch, rate: 0.02) == pytest.approx(fast, rel=1e-12)
    if solver == "sgd" and hook == "on_epoch_begin":
        falling = curve(None, learning_rate="invscaling")
        by_callback = curve(lambda epoch, rate: 0.001 / (230 * epoch + 1) ** 0.5)
        assert by_callback == pytest.approx(falling, rel=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "case",
    [
        Case("three"),
        pytest.param(Case("words", {}, WEIGHTS), marks=pytest.mark.slow),
        pytest.param(Case("number"), marks=pytest.mark.slow),
    ],
)
def test_lbfgs_comes_to_the_same_minimum(case: Case) -> None:
    found = []
    for library in (ours, theirs):
        estimator = class_of(library, case.targets)(
            hidden_layer_sizes=(3,),
            activation="tanh",
            solver="lbfgs",
            alpha=3.0,
            max_iter=3000,
            tol=1e-7,
            random_state=0,
        )
        found.append(estimator.fit(X, TARGETS[case.targets], sample_weight=case.weights))
    assert found[0].loss_ == pytest.approx(found[1].loss_, rel=1e-4)


def test_first_weights_are_those_of_a_seed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, other = (
            library.MLPClassifier((4,), max_iter=1, learning_rate_init=1e-300, random_state=5).fit(
                X, TARGETS["three"]
            )
            for library in (ours, theirs)
        )
    for a, b in zip(mine.coefs_ + mine.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert np.array_equal(a, b)


def test_the_gradient_of_poissons_deviance() -> None:
    from mundur.sklearn.objectives import PoissonDeviance  # as scikit-learn has it

    loss = PoissonDeviance()
    assert isinstance(loss, mundur.losses.Loss)
    y, z = np.array([[0.0, 3.0], [1.0, 7.0]]), np.array([[0.3, -0.4], [0.1, 2.0]])
    weights = np.array([1.0, 3.0])
    for given in (None, weights):
        gradient = loss.gradient(y, z, given)
        for at in np.ndindex(z.shape):
            step = np.zeros_like(z)
            step[at] = 1e-6
            slope = (loss(y, z + step, given) - loss(y, z - step, given)) / 2e-6
            assert gradient[at] == pytest.approx(slope, abs=1e-8)


# Of a hundred epochs or so each: what is left to chance is the order of batches.
SETS = {
    "digits": ("MLPClassifier", {"max_iter": 25, "hidden_layer_sizes": 50}),
    "breast_cancer": ("MLPClassifier", {"max_iter": 60, "early_stopping": True}),
    "wine": ("MLPClassifier", {"max_iter": 60, "solver": "sgd", "learning_rate_init": 0.01}),
    "diabetes": ("MLPRegressor", {"max_iter": 100, "learning_rate_init": 0.01}),
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", SETS)
def test_scores_of_twenty_seeds_are_as_good(name: str) -> None:
    import sklearn.datasets
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import scale

    x, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    y = scale(y) if name == "diabetes" else y
    cls, arguments = SETS[name]
    scores = np.zeros((2, 20))
    for seed in range(20):
        xt, xv, yt, yv = train_test_split(scale(x), y, test_size=0.3, random_state=seed)
        for i, library in enumerate((ours, theirs)):
            estimator = getattr(library, cls)(random_state=seed, **arguments).fit(xt, yt)
            scores[i, seed] = estimator.score(xv, yv)
    difference = scores[0] - scores[1]
    noise = difference.std(ddof=1) / np.sqrt(20)
    assert abs(difference.mean()) <= 3 * noise + 1e-3, (scores.mean(axis=1), noise)
