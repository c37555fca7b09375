"""What estimators keep from one fit to the next, what refused fits leave, and what weighs what."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import mundur as md
import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6", reason="install the extra 'sklearn'")
import sklearn.neural_network as theirs
from mundur import layers
from mundur.sklearn import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from sklearn.base import clone

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:features of x are far apart:UserWarning"),
]

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
Y3 = np.digitize(X[:, 0], [-0.5, 0.5])
NUMBERS = X[:, 0] * 2 + X[:, 1]
QUICK: dict[str, Any] = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0}


# ---- warm starts ---------------------------------------------------------------------------------
@pytest.mark.parametrize("early", [False, True])
def test_warm_starts_have_the_numbers_of_scikit_learn(early: bool) -> None:
    found = []
    for library in (md.sklearn, theirs):
        estimator = library.MLPClassifier(
            8, warm_start=True, early_stopping=early, shuffle=False, random_state=0, max_iter=30,
            n_iter_no_change=30, learning_rate_init=0.01,
        )  # fmt: skip
        for y in (Y, 1 - Y, Y):
            estimator.fit(X, y)
        found.append(estimator)
    mine, other = found
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(mine.coefs_[0], other.coefs_[0], atol=1e-9)
    assert mine.n_iter_ == other.n_iter_
    assert mine.best_validation_score_ == other.best_validation_score_


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"activation": "tanh"}, r"activation must stay \('relu',\) .*got \('tanh',\)"),
        ({"dropout": 0.5}, "dropout must stay"),
        ({"batch_normalization": True}, "batch_normalization must stay False"),
        ({"dtype": "float32"}, "dtype must stay 'float64'"),
        ({"loss": "poisson"}, "loss must stay 'squared_error'"),
    ],
)
def test_a_warm_start_keeps_the_network(changed: dict[str, Any], message: str) -> None:
    regressor = MLPRegressor(**QUICK, warm_start=True).fit(X, NUMBERS**2)
    regressor.set_params(**changed)
    expected = copy.deepcopy(regressor.coefs_)
    with pytest.raises(ValueError, match=message):
        regressor.fit(X, NUMBERS**2)
    with pytest.raises(ValueError, match=message):
        regressor.partial_fit(X, NUMBERS**2)
    assert np.array_equal(expected[0], regressor.coefs_[0])
    assert regressor.set_params(warm_start=False).fit(X, NUMBERS**2).n_iter_ == 2


def test_prediction_is_of_the_fitted_loss() -> None:
    regressor = MLPRegressor(**QUICK).fit(X, NUMBERS)
    expected = regressor.predict(X)
    assert np.array_equal(regressor.set_params(loss="poisson").predict(X), expected)


def test_single_epochs_keep_the_rate() -> None:
    for solver in ("sgd", "adam"):
        found = []
        for library in (md.sklearn, theirs):
            estimator = library.MLPClassifier(**QUICK, solver=solver, shuffle=False)
            estimator.partial_fit(X, Y, classes=[0, 1]).set_params(learning_rate_init=0.5)
            found.append(estimator.partial_fit(X, Y).partial_fit(X, Y).loss_curve_)
        assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_single_epochs_take_another_solver() -> None:
    classifier = MLPClassifier(**QUICK).partial_fit(X, Y, classes=[0, 1])
    other = MLPClassifier(**QUICK, solver="sgd").partial_fit(X, Y, classes=[0, 1])
    for name in ("coefs_", "intercepts_"):
        setattr(other, name, copy.deepcopy(getattr(classifier, name)))
    fresh = other.set_params(solver="sgd", warm_start=True, max_iter=1).fit(X, Y)
    classifier.set_params(solver="sgd").partial_fit(X, Y)
    assert classifier.loss_curve_[-1] == pytest.approx(fresh.loss_curve_[-1])
    classifier.partial_fit(X, Y)
    assert classifier.loss_curve_[-1] == pytest.approx(fresh.partial_fit(X, Y).loss_curve_[-1])


def test_single_epochs_are_the_estimators_whoever_compiled_its_model() -> None:
    found = []
    for compiled in (False, True):
        classifier = MLPClassifier(**QUICK).partial_fit(X, Y, classes=[0, 1])
        if compiled:
            classifier.model_.compile("sgd", "mse")
            classifier.model_.evaluate(X, Y, verbose=0)
        found.append(classifier.partial_fit(X, Y).partial_fit(X, Y).loss_curve_)
    assert found[0] == found[1]


def test_warm_starts_of_any_network() -> None:
    regressor = NeuralNetRegressor([layers.Dense(1)], epochs=2, random_state=0, warm_start=True)
    regressor.fit(X, NUMBERS)
    regressor.set_params(optimizer__learning_rate=0.5, loss="mae").fit(X, NUMBERS)
    assert regressor.model_.optimizer.learning_rate == 0.5
    assert isinstance(regressor.model_.compiled_loss, md.losses.MeanAbsoluteError)
    assert len(regressor.loss_curve_) == 4
    steps = regressor.model_.optimizer.iterations
    assert pickle.loads(pickle.dumps(regressor)).fit(X, NUMBERS).model_.optimizer.iterations > steps
    with pytest.raises(ValueError, match="validation_data"):
        regressor.set_params(loss="mse").fit(X, NUMBERS, validation_data=5)
    regressor.set_params(loss="mae").fit(X, NUMBERS)
    assert isinstance(regressor.model_.compiled_loss, md.losses.MeanAbsoluteError)
    with pytest.raises(ValueError, match="layers must stay"):
        regressor.set_params(layers__0__use_bias=False).fit(X, NUMBERS)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_fit_that_was_interrupted_goes_on(error: Any) -> None:
    def interrupt(epoch: int, logs: Any) -> None:
        if epoch == 3:
            raise error

    stop = md.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    classifier = NeuralNetClassifier(epochs=9, callbacks=[stop], random_state=0, warm_start=True)
    with pytest.raises(error):
        classifier.fit(X, Y)
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 3
    assert len(classifier.set_params(callbacks=None).fit(X, Y).loss_curve_) == 12


def test_a_warm_start_after_a_refused_one_learns_the_loss_it_is_told() -> None:
    def fitted(*refused: Any) -> NeuralNetClassifier:
        net = NeuralNetClassifier([layers.Dense(1)], epochs=2, random_state=0, warm_start=True)
        net.fit(X, Y).set_params(loss="mse")
        for data in refused:
            before = net.predict_proba(X)
            with pytest.raises(ValueError, match="validation_data"):
                net.fit(X, Y, validation_data=data)
            assert np.array_equal(net.predict_proba(X), before)
        return net.fit(X, Y)

    plain, other = fitted(), fitted(5)
    assert plain.loss_curve_ == other.loss_curve_
    assert np.array_equal(plain.predict(X), other.predict(X))


# ---- fits that are refused -----------------------------------------------------------------------
def test_a_refused_fit_changes_nothing() -> None:
    net = NeuralNetClassifier([layers.Dense(2)], epochs=2, random_state=0)
    with pytest.raises(ValueError, match=r"layers must end in Dense\(3\)"):
        net.fit(X, Y3)
    assert not hasattr(net, "classes_") and not hasattr(net, "n_features_in_")
    net.set_params(layers=[layers.Dense(3)])
    with pytest.raises(TypeError, match="callbacks must be a list"):
        net.set_params(callbacks=5).fit(X, Y3)
    assert not hasattr(net, "model_")
    net.set_params(layers=[layers.Dense(1)], callbacks=None).fit(X, Y + 5)
    assert net.classes_.tolist() == [5, 6] and net.predict_proba(X).shape == (60, 2)
    expected = net.predict_proba(X)
    with pytest.raises(ValueError, match=r"layers must end in Dense\(3\)"):
        net.fit(X[:, :3], Y3)
    assert np.array_equal(net.predict_proba(X), expected)
    mlp = MLPClassifier(**QUICK).fit(X, np.array(list("ab"))[Y])
    expected = mlp.predict(X)
    for wrong in ({"activation": ["relu", "tanh"]}, {"activation": "relu", "callbacks": 5}):
        with pytest.raises((ValueError, TypeError), match=list(wrong)[-1]):
            mlp.set_params(**wrong).fit(X[:, :3], Y3)
        assert np.array_equal(mlp.predict(X), expected)
    assert len(mlp.set_params(callbacks=None).partial_fit(X, expected).loss_curve_) == 3


def test_one_model_serves_several_fits() -> None:
    model = md.Model([layers.Dense(1)], seed=3)
    one = NeuralNetRegressor(lambda shape, outputs: model, epochs=2).fit(X, NUMBERS)
    expected = one.predict(X)
    clone(one).fit(X, -NUMBERS)
    assert np.array_equal(one.predict(X), expected)
    assert not model.built
    with pytest.raises(ValueError, match="dtype='float64', but layers returns a Model of float32"):
        one.set_params(dtype="float64").fit(X, NUMBERS)


# ---- weights -------------------------------------------------------------------------------------
def test_balanced_classes_heed_the_weights_of_samples() -> None:
    weights = np.where(Y, 10.0, 1.0) * RNG.random(60)
    balanced = MLPClassifier(**QUICK, class_weight="balanced").fit(X, Y, sample_weight=weights)
    sums = np.bincount(Y, weights)
    expected = weights * (sums.sum() / 2 / sums)[Y]
    by_hand = MLPClassifier(**QUICK).fit(X, Y, sample_weight=expected)
    assert balanced.loss_curve_ == pytest.approx(by_hand.loss_curve_, rel=1e-12)


@pytest.mark.parametrize("cls", [MLPClassifier, NeuralNetClassifier])
def test_classes_weigh_in_what_is_held_out(cls: Any) -> None:
    given = {"max_iter": 1, "learning_rate_init": 1e-12} if cls is MLPClassifier else {"epochs": 1}
    weights = np.where(Y, 5.0, 1.0)
    by_class = cls(class_weight={1: 5.0}, random_state=0, **given)
    by_class.fit(X, Y, validation_data=(X, Y))
    by_sample = cls(random_state=0, **given)
    by_sample.fit(X, Y, weights, validation_data=(X, Y, weights))
    if cls is MLPClassifier:
        assert by_class.validation_loss_curve_ == by_sample.validation_loss_curve_
    else:
        assert by_class.history_.history == by_sample.history_.history


@pytest.mark.parametrize("cls", [MLPClassifier, NeuralNetClassifier])
@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"1": 5.0},
            r"class_weight must have classes of y as keys; \['1'\] are none, and \[0, 1\]",
        ),
        ({0: 0, 1: 0}, "Sample weights must contain at least one non-zero number"),
        ({0: -1, 1: 1}, "class_weight must hold numbers >= 0; got -1 for class 0"),
        ({0: "a"}, "class_weight must hold numbers >= 0; got 'a'"),
    ],
)
def test_class_weights_that_make_no_sense(cls: Any, class_weight: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(class_weight=class_weight).fit(X, Y)


@pytest.mark.parametrize("cls", [MLPClassifier, NeuralNetClassifier])
def test_a_fold_may_lack_a_class_that_has_a_weight(cls: Any) -> None:
    weights = {0: 1.0, 1: 2.0, 2: 3.0}
    assert cls(class_weight=weights, random_state=0).fit(X, Y).classes_.tolist() == [0, 1]
    single = cls(class_weight={2: 3.0}, random_state=0)
    assert single.partial_fit(X, Y, classes=[0, 1, 2]).classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("cls", [MLPClassifier, NeuralNetClassifier])
def test_samples_held_out_that_weigh_nothing(cls: Any) -> None:
    net = cls(validation_fraction=0.1, random_state=0)
    if cls is MLPClassifier:
        net.set_params(early_stopping=True)
    weights = np.zeros(60)
    for at in (0, 30):
        with pytest.raises(
            ValueError, match=r"validation_fraction=0.1: all samples that are .* weigh 0"
        ):
            net.fit(X, Y, sample_weight=np.where(np.arange(60) == at, 1.0, weights))
