"""NeuralNetClassifier and NeuralNetRegressor: any layers within scikit-learn."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import mundur as md
import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", minversion="1.6", reason="install the extra 'sklearn'")
from mundur import layers  # noqa: E402
from mundur.sklearn import MLPClassifier, NeuralNetClassifier, NeuralNetRegressor  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
QUICK: dict[str, Any] = {"epochs": 5, "random_state": 0}


def net(input_shape: tuple[int, ...], outputs: int, units: int = 8, rate: float = 0.0) -> Any:
    return [layers.Dense(units, "tanh"), layers.Dropout(rate), layers.Dense(outputs)]


def test_it_trains_as_a_model_does() -> None:
    chain = [layers.Dense(8, "tanh"), layers.Dense(3)]
    weights = np.linspace(0.5, 2, len(X))
    found = NeuralNetClassifier(chain, **QUICK).fit(X, Y, sample_weight=weights)
    assert chain[0] not in found.model_.layers  # an argument stays as it is
    model = md.Model(
        [layers.Dense(8, "tanh"), layers.Dense(3)], seed=found.model_.seed, dtype="float64"
    )
    model.compile("adam", md.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(X, Y, epochs=5, verbose=0, sample_weight=weights)
    assert found.loss_curve_ == history.history["loss"]
    assert np.array_equal(found.decision_function(X), model.predict(X))
    assert np.array_equal(found.predict_proba(X), md.activations.softmax(model.predict(X)))


@pytest.mark.parametrize(
    ("chain", "loss", "classes"),
    [
        ([layers.Dense(1)], None, 2),
        ([layers.Dense(1, "sigmoid")], None, 2),
        ([layers.Dense(2)], None, 2),
        ([layers.Dense(2, "softmax")], None, 2),
        ([layers.Dense(3, "softmax")], None, 3),
        ([layers.Dense(3)], "categorical_crossentropy", 3),
        ([layers.Dense(3)], md.losses.CategoricalFocalCrossentropy(from_logits=True), 3),
        ([layers.Dense(3, "softmax")], "categorical_crossentropy", 3),
        ([layers.Dense(1)], "binary_crossentropy", 2),
        ([layers.Dense(1)], "hinge", 2),
        ([layers.Dense(3)], "squared_hinge", 3),
        ([layers.Dense(3, "sigmoid")], "binary_crossentropy", 3),
        ([layers.Dense(3)], "binary_crossentropy", 3),
        ([layers.Dense(1)], "mse", 2),
        ([layers.Dense(1, "sigmoid")], "mse", 2),
        ([layers.Dense(2)], "huber", 2),
        ([layers.Dense(3)], md.losses.MeanSquaredError(), 3),
        ([layers.Dense(3)], md.losses.CategoricalCrossentropy(label_smoothing=0.1), 3),
    ],
)
def test_heads_and_losses(chain: Any, loss: Any, classes: int) -> None:
    words = np.array(["a", "b", "c"], object)
    y = words[np.minimum(Y, classes - 1)]
    classifier = NeuralNetClassifier(
        chain, loss=loss, optimizer=md.optimizers.Adam(0.05), epochs=40, random_state=0
    ).fit(X, y)
    assert classifier.score(X, y) > 0.8
    assert classifier.predict(X).dtype == object
    ends_linear = chain[-1].activation in (None, "linear")
    of_numbers = loss in ("mse", "huber") or isinstance(loss, md.losses.MeanSquaredError)
    has_none = loss in ("hinge", "squared_hinge") or (of_numbers and ends_linear)
    assert hasattr(classifier, "predict_proba") is not has_none
    assert hasattr(clone(classifier), "predict_proba") is not has_none
    if not has_none:
        p = classifier.predict_proba(X)
        assert p.shape == (len(X), classes)
        assert p.sum(axis=1) == pytest.approx(1)
        assert np.array_equal(classifier.classes_[p.argmax(axis=1)], classifier.predict(X))
    assert hasattr(classifier, "decision_function") is ends_linear
    assert hasattr(clone(classifier), "decision_function") is ends_linear
    if ends_linear:
        scores = classifier.decision_function(X)
        best = (scores > 0).astype(int) if classes == 2 else scores.argmax(axis=1)
        assert np.array_equal(classifier.classes_[best], classifier.predict(X))


@pytest.mark.parametrize("loss", [None, "mse"])
def test_several_labels_at_once(loss: Any) -> None:
    y = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    classifier = NeuralNetClassifier(net, loss=loss, optimizer="adam", random_state=0)
    classifier.set_params(optimizer__learning_rate=0.05, epochs=60).fit(X, y)
    assert classifier.score(X, y) > 0.9
    assert np.array_equal(classifier.decision_function(X) > 0, classifier.predict(X) == 1)
    if loss is None:
        assert classifier.predict_proba(X).shape == y.shape


def test_a_single_class() -> None:
    classifier = NeuralNetClassifier([layers.Dense(1)], **QUICK).fit(X, np.full(len(X), "a"))
    assert classifier.predict_proba(X).shape == (len(X), 1)
    assert (classifier.decision_function(X) >= 0).all()


def test_a_search_may_set_what_is_there() -> None:
    classifier = NeuralNetClassifier(
        [layers.Dense(3)], loss="sparse_categorical_crossentropy", **QUICK
    )
    again = clone(classifier).set_params(**classifier.get_params())
    assert again.fit(X, Y).loss_curve_ == classifier.fit(X, Y).loss_curve_


@pytest.mark.parametrize("loss", ["bce", md.losses.BinaryCrossentropy(from_logits=True)])
def test_a_regressor_of_probabilities_gives_those(loss: Any) -> None:
    with pytest.raises(ValueError, match='end them in activation="sigmoid"'):
        NeuralNetRegressor([layers.Dense(1)], loss=loss, **QUICK).fit(X, Y > 0)
    p = NeuralNetRegressor([layers.Dense(1, "sigmoid")], loss="bce").fit(X, Y > 0).predict(X)
    assert p.min() >= 0 and p.max() <= 1


def test_parameters_of_parameters() -> None:
    classifier = NeuralNetClassifier([layers.Dense(8), layers.Dense(3)], **QUICK)
    before = classifier.layers[0]
    found = classifier.get_params()
    assert found["layers__0__units"] == 8 and found["optimizer__learning_rate"] == 0.001
    classifier.set_params(layers__0__units=5, layers__0__activation="relu", optimizer__beta_1=0.8)
    assert repr(classifier.layers[0]) == "Dense(5, activation='relu')"
    assert before.units == 8
    assert classifier.optimizer.beta_1 == 0.8
    classifier.set_params(optimizer="sgd", optimizer__momentum=0.5)
    assert classifier.optimizer.momentum == 0.5
    function = NeuralNetRegressor(net, loss="huber").set_params(loss__delta=2.0, layers__units=3)
    assert function.fit(X, X[:, 0]).model_.layers[0].units == 3
    assert function.get_params()["layers__units"] == 3
    assert clone(function).get_params()["loss__delta"] == 2.0
    of_any = NeuralNetRegressor(lambda shape, outputs, **sizes: net(shape, outputs, **sizes))
    of_any.set_params(layers__units=3, epochs=1).fit(X, X[:, 0])
    assert of_any.model_.layers[0].units == of_any.get_params()["layers__units"] == 3


def test_what_is_frozen_stays_frozen() -> None:
    first, second = layers.Dense(8), layers.Dense(4, trainable=False)
    first.set_trainable("bias", False)
    classifier = NeuralNetClassifier([first, second, layers.Dense(3)], **QUICK)
    classifier = clone(classifier).set_params(layers__0__units=5, layers__1__units=6).fit(X, Y)
    copied = pickle.loads(pickle.dumps(classifier))
    for net in (classifier, copied):
        one, two, _ = net.model_.layers
        assert one.is_trainable("kernel") and not one.is_trainable("bias")
        assert not two.trainable
    again = clone(classifier).set_params(layers__1__trainable=True).fit(X, Y)
    assert again.model_.layers[1].trainable


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"layer": []}, "Invalid parameter 'layer' .*did you mean 'layers'"),
        ({"layers__0__unit": 3}, "layers__0 is Dense, which has no argument 'unit'"),
        ({"layers__7__units": 3}, "must be layers__NUMBER__ARGUMENT, with a number below 2"),
        ({"optimizer__lr": 3}, "optimizer is Adam, which has no argument 'lr'; did you mean 'lea"),
        ({"loss__delta": 3}, "loss is None; set it first"),
        ({"epochs__x": 3}, "Invalid parameter 'epochs__x' .*: epochs is given whole"),
        ({"optimizr__x": 3}, "Invalid parameter 'optimizr__x' .*did you mean 'optimizer'"),
    ],
)
def test_parameters_that_are_not_there(parameters: dict[str, Any], message: str) -> None:
    classifier = NeuralNetClassifier([layers.Dense(8), layers.Dense(3)], optimizer="adam")
    with pytest.raises(ValueError, match=message):
        classifier.set_params(**parameters)


def test_a_search_over_all_of_it() -> None:
    grid = {"layers__units": [2, 8], "optimizer__learning_rate": [0.05], "epochs": [20]}
    search = GridSearchCV(NeuralNetClassifier(net, random_state=0), grid, cv=2).fit(X, Y)
    assert search.score(X, Y) > 0.9
    assert set(search.best_params_) == set(grid)


def test_sequences_of_ids_stay_whole_numbers() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 20, (80, 6))
    y = (ids == 7).any(axis=1)
    chain = [layers.Embedding(20, 8), layers.GlobalMaxPooling1D(), layers.Dense(1)]
    classifier = NeuralNetClassifier(chain, optimizer=md.optimizers.Adam(0.05), random_state=0)
    assert classifier.fit(ids, y).score(ids, y) > 0.95
    assert classifier.predict(ids).dtype == bool


def test_samples_of_more_axes() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 5, 2))
    regressor = NeuralNetRegressor([layers.LSTM(4), layers.Dense(1)], **QUICK)
    assert regressor.fit(x, x.sum(axis=(1, 2))).predict(x).shape == (40,)
    assert NeuralNetRegressor(**QUICK).fit(x, x[:, 0]).predict(x).shape == (40, 2)


@pytest.mark.parametrize(
    ("fits", "x", "message"),
    [
        (True, [np.zeros((8, 8, 1)), np.zeros((9, 8, 1))], r"X\[1\] \(9, 8, 1\).*Resizing\(8, 8\)"),
        (False, np.zeros((2, 1, 8, 8)), r"got \(2, 1, 8, 8\), channels first: np.moveaxis\(X, 1"),
        (False, np.zeros((2, 64)), r"X.reshape\(-1, 8, 8, 1\)"),
        (False, np.zeros((2, 8, 7, 1)), r"x must have shape \(samples, 8, 8, 1\)"),
        (False, np.zeros((2, 7, 8, 1)), r"X must have shape \(samples, 8, 8, 1\)"),
    ],
)
def test_images_that_do_not_fit(fits: bool, x: Any, message: str) -> None:
    chain = [layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)]
    net = NeuralNetClassifier(chain, epochs=1, random_state=0)
    with pytest.raises(ValueError, match=message):
        if fits:
            net.fit(x, [0, 1])
        else:
            net.fit(np.zeros((4, 8, 8, 1)), [0, 1, 0, 1]).predict(x)


def test_frames_and_folds_and_what_is_held_out() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    stop = md.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    classifier = NeuralNetClassifier(
        net, epochs=500, optimizer=md.optimizers.Adam(0.05), validation_fraction=0.2,
        callbacks=[stop], metrics=["accuracy"], random_state=0,
    ).fit(frame, Y)  # fmt: skip
    assert list(classifier.feature_names_in_) == list("abcd")
    assert classifier.history_.stop_reason == "patience"
    assert classifier.n_iter_ == len(classifier.history_.history["val_accuracy"]) < 500
    given = NeuralNetClassifier(net, **QUICK).fit(frame, Y, validation_data=(frame[:9], Y[:9]))
    assert len(given.history_.history["val_loss"]) == 5


def test_warm_starts_and_single_epochs_go_on() -> None:
    at_once = NeuralNetClassifier(net, epochs=6, random_state=0).fit(X, Y)
    warm = NeuralNetClassifier(net, epochs=3, random_state=0, warm_start=True).fit(X, Y).fit(X, Y)
    single = NeuralNetClassifier(net, random_state=0)
    for _ in range(6):
        single.partial_fit(X, Y, classes=[0, 1, 2])
    for other in (warm, single):
        assert other.loss_curve_ == at_once.loss_curve_
        assert np.array_equal(other.predict_proba(X), at_once.predict_proba(X))


def test_pickles_and_copies() -> None:
    classifier = NeuralNetClassifier(net, **QUICK).fit(X, Y)
    for other in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        assert np.array_equal(other.predict_proba(X), classifier.predict_proba(X))
        again = other.partial_fit(X, Y).loss_curve_
        assert len(again) == 6


def test_a_function_may_return_a_model() -> None:
    def model(input_shape: Any, outputs: int) -> md.Model:
        return md.Model(net(input_shape, outputs), seed=9)

    classifier = NeuralNetClassifier(model, **QUICK).fit(X, Y)
    assert classifier.model_.seed == 9
    assert classifier.predict_proba(X).dtype == np.float32


@pytest.mark.skipif(
    not hasattr(NeuralNetClassifier, "set_callbacks"), reason="scikit-learn before 1.9"
)
def test_callbacks_of_scikit_learn() -> None:
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    classifier = NeuralNetClassifier(net, **QUICK).set_callbacks(monitor).fit(X, Y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 5
    assert rows[-1]["accuracy"] == classifier.score(X, Y)


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chain", "y", "message"),
    [
        (
            [layers.Dense(5)],
            Y,
            r"layers must end in Dense\(3\) for the 3 classes of y; they give 5",
        ),
        ([layers.Dense(3)], Y > 0, r"layers must end in Dense\(1\) .*StratifiedKFold"),
        ([layers.Dense(3)], np.eye(2, dtype=int)[Y % 2], r"Dense\(2\) for the 2 labels of y"),
        ([layers.Reshape((2, 2)), layers.Dense(3)], Y, r"one row of outputs .*Flatten\(\)"),
        (layers.Dense(3), Y, "layers must be a list of layers, or a function"),
        (md.Model, Y, "layers must be a list of layers, or a function"),
        ("mlp", Y, "layers must be a list of layers, or a function"),
        (iter([layers.Dense(3)]), Y, "layers must be a list of layers, or a function"),
        (md.Model([layers.Dense(3)]), Y, "write a function that returns the Model"),
        (lambda: [], Y, r"must take \(input_shape, outputs\)"),
    ],
)
def test_layers_that_do_not_fit(chain: Any, y: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        NeuralNetClassifier(chain, **QUICK).fit(X, y)


@pytest.mark.filterwarnings("ignore:MLPClassifier. max_iter=3 epochs are over")
@pytest.mark.parametrize("kind", [NeuralNetClassifier, MLPClassifier])
def test_no_estimator_is_fitted_within_its_own_fit(kind: Any) -> None:
    class Again(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            estimator.fit(X, Y)

    rounds = {"max_iter": 3} if kind is MLPClassifier else {"epochs": 3}
    estimator = kind(**rounds, random_state=0, callbacks=[Again()])
    words = (
        rf"fit of a {kind.__name__} was called by a callback of its own fit; .*clone\(estimator\)"
    )
    for _ in range(2):
        with pytest.raises(RuntimeError, match=words):
            estimator.fit(X, Y)

    class Another(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            others.append(clone(estimator).set_params(callbacks=None).fit(X, Y))

    others: list[Any] = []
    estimator.set_params(callbacks=[Another()]).fit(X, Y)
    assert len(others) == 3


def test_other_bad_input() -> None:
    with pytest.raises(ValueError, match=r"layers must end in Dense\(2\) for the 2 columns of y"):
        NeuralNetRegressor([layers.Dense(1)], **QUICK).fit(X, X[:, :2])
    with pytest.raises(TypeError, match=r"callbacks must be a list of md.Callback; got 5"):
        NeuralNetClassifier(callbacks=5).fit(X, Y)
    for fraction, y in ((0.001, Y), (0.999, Y), (0.1, np.arange(len(X)) == 0)):
        with pytest.raises(ValueError, match=f"validation_fraction={fraction} cannot be held out"):
            NeuralNetClassifier(validation_fraction=fraction).fit(X, y)
    with pytest.raises(ValueError, match="unknown optimizer 'adm'; did you mean 'adam'"):
        NeuralNetClassifier(optimizer="adm").fit(X, Y)
    assert hasattr(NeuralNetClassifier(loss="mean"), "decision_function")  # fit says what is wrong
    with pytest.raises(ValueError, match="unknown loss 'mean'"):
        NeuralNetRegressor(loss="mean").fit(X, X[:, 0])
    with pytest.raises(ValueError, match="The 'epochs' parameter of NeuralNetClassifier"):
        NeuralNetClassifier(epochs=0).fit(X, Y)
    with pytest.raises(AttributeError, match="predict_proba"):
        _ = NeuralNetClassifier(loss="hinge").predict_proba
    missing = X.copy()
    missing[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"X lacks values in column 1; .*SimpleImputer"):
        NeuralNetClassifier(**QUICK).fit(missing, Y)


def test_a_loss_of_ones_own_sees_targets_of_the_outputs_shape() -> None:
    class Squares(md.losses.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            assert y_true.shape == y_pred.shape
            return float(np.mean((y_pred - y_true) ** 2))

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            assert y_true.shape == y_pred.shape
            return 2 * (y_pred - y_true) / y_pred.size

    classifier = NeuralNetClassifier([layers.Dense(1)], loss=Squares(), epochs=2, random_state=0)
    assert set(classifier.fit(X, Y == 1).predict(X)) <= {False, True}
