"""The estimators within scikit-learn: its checks, its tools, and what they say of bad input."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", minversion="1.6", reason="install the extra 'sklearn'")
from mundur.sklearn import (  # noqa: E402
    MLPClassifier,
    MLPRegressor,
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_digits, load_iris  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:features of x are far apart:UserWarning"),
]

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
QUICK: dict[str, Any] = {"hidden_layer_sizes": 8, "max_iter": 15, "random_state": 0}
EPOCHS: dict[Any, dict[str, int]] = {
    MLPClassifier: {"max_iter": 9},
    NeuralNetClassifier: {"epochs": 9},
}
ESTIMATORS = [MLPClassifier, MLPRegressor, NeuralNetClassifier, NeuralNetRegressor]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "cls",
    [
        MLPClassifier,
        pytest.param(MLPRegressor, marks=pytest.mark.slow),
        pytest.param(NeuralNetClassifier, marks=pytest.mark.slow),
        NeuralNetRegressor,
    ],
)
def test_the_checks_of_scikit_learn(cls: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(cls(), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")] == []


# ---- arguments that scikit-learn's classes have --------------------------------------------------
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_arguments_of_scikit_learn_come_first(name: str) -> None:
    from inspect import signature

    import sklearn.neural_network

    theirs = signature(getattr(sklearn.neural_network, name)).parameters
    if name == "MLPRegressor" and next(iter(theirs)) != "loss":
        pytest.skip("scikit-learn before 1.7")
    ours = signature(getattr(md.sklearn, name)).parameters
    for mine, other in zip(ours.values(), theirs.values(), strict=False):
        assert (mine.name, mine.default, mine.kind) == (other.name, other.default, other.kind)
    beyond = list(ours.values())[len(theirs) :]
    assert beyond and all(p.kind is p.KEYWORD_ONLY for p in beyond)


def test_import_mundur_leaves_scikit_learn_alone() -> None:
    code = (
        "import sys, mundur; from mundur import *; assert 'sklearn' not in sys.modules; "
        "assert 'sklearn' in dir(mundur); mundur.sklearn.MLPClassifier"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_without_scikit_learn_an_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import mundur; mundur.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert "ImportError: mundur.sklearn needs scikit-learn 1.6 or later" in done.stderr


# ---- what they add -------------------------------------------------------------------------------
def test_an_activation_for_each_layer_and_any_of_ours() -> None:
    arguments = {**QUICK, "hidden_layer_sizes": (8, 4)}
    classifier = MLPClassifier(**arguments, activation=["gelu", "logistic"]).fit(X, Y)
    names = [getattr(layer, "activation", None) for layer in classifier.model_.layers]
    assert [str(name) for name in names] == ["gelu", "sigmoid", "linear"]
    with pytest.raises(ValueError, match="activation must hold one value for each of the 2"):
        MLPClassifier(**arguments, activation=["relu"]).fit(X, Y)
    for sizes in (8, ()):
        wrong = MLPClassifier(sizes, activation="reluu")
        with pytest.raises(ValueError, match="unknown activation 'reluu'; did you mean 'relu'"):
            wrong.fit(X, Y)


def test_an_activation_is_a_name_or_that_function_or_a_pair() -> None:
    def curve(activation: Any) -> list[float]:
        classifier = MLPClassifier(**QUICK, activation=activation).fit(X, Y)
        return list(classifier.loss_curve_)

    expected = curve("logistic")
    for same in ("sigmoid", md.activations.sigmoid, ["logistic"], np.array(["logistic"])):
        assert curve(same) == expected
    assert curve((np.sin, np.cos)) == curve([(np.sin, np.cos)]) != expected


def test_dropout_drops_in_training_only() -> None:
    without = MLPClassifier(**QUICK).fit(X, Y)
    dropped = MLPClassifier(**QUICK, dropout=0.5).fit(X, Y)
    assert dropped.loss_curve_[0] != without.loss_curve_[0]
    assert np.array_equal(dropped.predict_proba(X), dropped.predict_proba(X))
    for each in ([0.5], np.array([0.5])):
        again = MLPClassifier(**QUICK, dropout=each).fit(X, Y)
        assert again.loss_curve_ == dropped.loss_curve_


def test_batch_normalization_stands_in_front_of_activations() -> None:
    classifier = MLPClassifier(**QUICK, batch_normalization=True).fit(X * 100 + 7, Y)
    kinds = [type(layer).__name__ for layer in classifier.model_.layers]
    assert kinds == ["Dense", "BatchNormalization", "Activation", "Dense"]
    found = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(found.predict_proba(X), classifier.predict_proba(X))


def test_class_weight_is_the_weight_of_samples() -> None:
    y = np.where(Y == 0, "rare", "usual")
    rows = np.r_[0:10, 50:150]
    weights = np.where(y == "rare", 4.0, 1.0)
    by_class = MLPClassifier(**QUICK, class_weight={"rare": 4.0}).fit(X[rows], y[rows])
    by_sample = MLPClassifier(**QUICK).fit(X[rows], y[rows], sample_weight=weights[rows])
    assert by_class.loss_curve_ == by_sample.loss_curve_
    counts = {"rare": len(X) / 2 / 50, "usual": len(X) / 2 / 100}
    balanced = MLPClassifier(**QUICK, class_weight="balanced").fit(X, y)
    assert balanced.loss_curve_ == MLPClassifier(**QUICK, class_weight=counts).fit(X, y).loss_curve_
    with pytest.raises(ValueError, match="class_weight='balanced' needs all samples at once"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=["rare", "usual"])


@pytest.mark.parametrize("early", [True, np.True_, "loss"])
@pytest.mark.parametrize("given", [False, True])
def test_early_stopping_takes_the_best_weights(early: Any, given: bool) -> None:
    classifier = MLPClassifier(
        **{**QUICK, "max_iter": 400}, early_stopping=early, learning_rate_init=0.05
    )
    held = (X[::3], Y[::3])
    classifier.fit(X, Y, validation_data=held if given else None)
    assert classifier.n_iter_ < 400 == classifier.max_iter
    curve = classifier.validation_loss_curve_
    assert len(curve) == classifier.n_iter_ == len(classifier.loss_curve_)
    if early == "loss":
        assert classifier.best_validation_loss_ == min(curve)
        assert classifier.validation_scores_ is None
    else:
        assert classifier.best_validation_score_ == max(classifier.validation_scores_)
    if given and early != "loss":
        assert classifier.score(*held) == classifier.best_validation_score_
    if given and early == "loss":
        p = classifier.predict_proba(held[0])[np.arange(len(held[1])), held[1]]
        assert -np.log(p).mean() == pytest.approx(min(curve))


def test_single_epochs_stop_early_by_validation_data() -> None:
    classifier = MLPClassifier(
        **QUICK, early_stopping="loss", learning_rate_init=0.1, n_iter_no_change=3
    )
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        classifier.partial_fit(X, Y, classes=[0, 1, 2])
    held = (X[::3], Y[::3])
    for _ in range(400):
        classifier.partial_fit(X[1::3], Y[1::3], classes=[0, 1, 2], validation_data=held)
    assert classifier.stopped_
    curve = classifier.validation_loss_curve_
    assert len(curve) < 400
    p = classifier.predict_proba(held[0])[np.arange(len(held[1])), held[1]]
    assert -np.log(p).mean() == pytest.approx(min(curve))


def test_warm_starts_may_change_the_solver() -> None:
    classifier = MLPClassifier(**QUICK, warm_start=True, solver="lbfgs").fit(X, Y)
    assert not hasattr(classifier, "loss_curve_")
    before = classifier.loss_
    classifier.set_params(solver="adam", early_stopping="loss").fit(X, Y)
    assert classifier.loss_curve_[0] < 2 * before + 0.1
    epochs = len(classifier.loss_curve_)
    classifier.set_params(early_stopping=False).fit(X, Y)
    assert len(classifier.loss_curve_) == epochs + classifier.n_iter_
    assert classifier.best_loss_ == min(classifier.loss_curve_[epochs:])


def test_validation_data_is_watched_without_early_stopping() -> None:
    regressor = MLPRegressor(**QUICK).fit(X, X[:, 0], validation_data=(X[:9], X[:9, 0]))
    assert len(regressor.validation_loss_curve_) == 15
    error = ((regressor.predict(X[:9]) - X[:9, 0]) ** 2).mean() / 2
    assert regressor.validation_loss_curve_[-1] == pytest.approx(error)


def test_a_score_of_one_sample_stops_nothing() -> None:
    one = (X[:1], X[:1, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", sklearn.exceptions.UndefinedMetricWarning)
        regressor = MLPRegressor(**QUICK).fit(X, X[:, 0], validation_data=one)
    assert len(regressor.validation_loss_curve_) == 15
    for cls in (MLPRegressor, MLPClassifier):
        with pytest.raises(ValueError, match="validation_data: a score to stop by needs 2 samples"):
            cls(**QUICK, early_stopping=True).fit(X, Y, validation_data=(X[:1], Y[:1]))


@pytest.mark.parametrize("solver", ["rmsprop", md.optimizers.AdamW(0.01, weight_decay=0.1)])
def test_any_optimizer_trains(solver: Any) -> None:
    arguments = {**QUICK, "max_iter": 100, "learning_rate_init": 0.01}
    classifier = MLPClassifier(**arguments, solver=solver)
    assert classifier.fit(X, Y).score(X, Y) > 0.8
    if solver != "rmsprop":
        assert solver.iterations == 0  # each fit has its own
    assert clone(classifier).fit(X, Y).loss_curve_ == classifier.loss_curve_


def test_callbacks_hear_of_epochs_and_stop() -> None:
    heard: list[dict[str, float]] = []

    class Stop(md.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            heard.append(dict(logs))
            self.model.stop_training = epoch == 2

    classifier = MLPClassifier(**QUICK, callbacks=[Stop()])
    classifier.fit(X, Y, validation_data=(X, Y))
    assert classifier.n_iter_ == len(heard) == 3
    assert [logs["loss"] for logs in heard] == classifier.loss_curve_
    assert {"val_loss", "val_score"} < set(heard[0])


def test_batches_that_are_watched_change_nothing() -> None:
    steps: list[int] = []
    watch = md.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch))
    watched = MLPClassifier(**QUICK, batch_size=40, callbacks=[watch]).fit(X, Y)
    alone = MLPClassifier(**QUICK, batch_size=40).fit(X, Y)
    assert np.allclose(watched.loss_curve_, alone.loss_curve_, rtol=1e-12)
    assert np.array_equal(watched.coefs_[0], alone.coefs_[0])
    assert steps[:5] == [0, 1, 2, 3, 0]


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_dtype_is_that_of_the_features_or_the_one_asked_for(dtype: Any) -> None:
    for given in (np.float32, np.float64, np.int64):
        classifier = MLPClassifier(**QUICK, dtype=dtype).fit(X.astype(given), Y)
        usual = "float32" if given is np.float32 else "float64"
        assert classifier.coefs_[0].dtype == (dtype or usual)


# ---- scikit-learn's tools ------------------------------------------------------------------------
def test_pickles_and_copies_go_on_learning(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    classifier = MLPClassifier(**QUICK).fit(X, Y)
    joblib.dump(classifier, tmp_path / "classifier.joblib")
    copies = [
        pickle.loads(pickle.dumps(classifier)),
        copy.deepcopy(classifier),
        joblib.load(tmp_path / "classifier.joblib"),
    ]
    expected = classifier.partial_fit(X, Y).predict_proba(X)
    for other in copies:
        assert np.array_equal(other.partial_fit(X, Y).predict_proba(X), expected)


def test_a_pickle_with_a_loss_in_python() -> None:
    regressor = MLPRegressor(**QUICK, loss="poisson").fit(X, Y)
    found = pickle.loads(pickle.dumps(regressor))
    assert np.array_equal(found.predict(X), regressor.predict(X))


def test_weights_that_are_written_count() -> None:
    classifier = MLPClassifier(**QUICK).fit(X, Y)
    classifier.coefs_[-1][...] = 0
    classifier.intercepts_[-1][...] = [0, 9, 0]
    assert (classifier.predict(X) == 1).all()
    classifier.intercepts_ = [classifier.intercepts_[0], np.array([9.0, 0, 0])]
    assert (classifier.predict(X) == 0).all()
    classifier.coefs_ = [np.zeros((3, 8)), classifier.coefs_[1]]
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must have the shapes"):
        classifier.predict(X)


def test_it_works_with_what_scikit_learn_has() -> None:
    pd = pytest.importorskip("pandas")
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["place"] = np.where(Y > 0, "north", "south")
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list("abcd")), ("text", OneHotEncoder(), ["place"])]
    )
    classifier = MLPClassifier(**{**QUICK, "max_iter": 60}, learning_rate_init=0.01)
    chain = make_pipeline(columns, classifier)
    search = GridSearchCV(chain, {"mlpclassifier__alpha": [0.0, 0.1]}, cv=2)
    assert search.fit(frame, Y).score(frame, Y) > 0.9
    calibrated = CalibratedClassifierCV(classifier, cv=2).fit(X, Y)
    assert calibrated.predict_proba(X).sum(axis=1) == pytest.approx(1)
    fitted = classifier.fit(X, Y)
    importance = permutation_importance(fitted, X, Y, n_repeats=2, random_state=0)
    assert importance.importances_mean.max() > 0.1
    assert len(cross_val_score(classifier, X, Y, cv=2)) == 2


def test_weights_and_validation_data_are_routed() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        classifier = MLPClassifier(**QUICK).set_fit_request(sample_weight=True)
        chain = make_pipeline(scaler, classifier).fit(X, Y, sample_weight=np.ones(len(X)))
    plain = make_pipeline(StandardScaler(), MLPClassifier(**QUICK)).fit(X, Y)
    assert np.allclose(chain[-1].loss_curve_, plain[-1].loss_curve_, rtol=1e-12)


@pytest.fixture(params=["small", "large"])
def sparse_size(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mundur.sklearn import inputs  # from which size on matrices stay sparse

    monkeypatch.setattr(inputs, "_LARGE", {"small": inputs._LARGE, "large": 0}[request.param])


@pytest.mark.usefixtures("sparse_size")
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "csr_array"])
def test_sparse_features_are_those_numbers(kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x, y = (part[:600] for part in load_digits(return_X_y=True))
    make = getattr(sparse, kind)
    weights = np.linspace(0, 2, len(x))
    for arguments, given in (
        ({}, None),
        ({"solver": "sgd", "shuffle": False, "batch_size": 64, "dtype": "float32"}, None),
        ({"early_stopping": True, "dropout": 0.1}, None),
        ({"early_stopping": "loss", "solver": "rmsprop"}, weights),
        ({"solver": "lbfgs"}, weights),
    ):
        dense = MLPClassifier(**{**QUICK, "max_iter": 4, **arguments}).fit(x, y, given)
        thin = MLPClassifier(**{**QUICK, "max_iter": 4, **arguments}).fit(make(x), y, given)
        for name in ("loss_", "loss_curve_", "validation_loss_curve_", "best_validation_score_"):
            assert getattr(thin, name, None) == getattr(dense, name, None)
        assert np.array_equal(thin.predict_proba(make(x)), dense.predict_proba(x))
    for loss in ("squared_error", "poisson"):
        regressors = [MLPRegressor(loss, **QUICK).fit(a, x[:, 3], weights) for a in (x, make(x))]
        assert regressors[0].loss_curve_ == regressors[1].loss_curve_
        regressors = [
            r.partial_fit(a, x[:, 3]) for r, a in zip(regressors, (make(x), x), strict=True)
        ]
        assert regressors[0].loss_curve_ == regressors[1].loss_curve_


@pytest.mark.usefixtures("sparse_size")
@pytest.mark.parametrize("metrics", [None, ["accuracy"], ["accuracy", "AUC"]])
@pytest.mark.parametrize("batch_size", [32, "full"])
def test_sparse_features_of_any_network(metrics: Any, batch_size: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x, y = (part[:600] for part in load_digits(return_X_y=True))
    y, weights = y % 2, np.linspace(0, 2, len(x))
    found = []
    for make in (np.asarray, sparse.csr_matrix):
        net = NeuralNetClassifier(
            metrics=metrics, epochs=2, random_state=0, batch_size=batch_size,
            validation_fraction=0.2,
        )  # fmt: skip
        found.append(net.fit(make(x), y, weights).partial_fit(make(x[:90]), y[:90]))
        net.set_params(warm_start=True).fit(make(x), y, validation_data=(make(x), y))
    dense, thin = found
    assert thin.loss_curve_ == dense.loss_curve_
    assert thin.history_.history == dense.history_.history
    assert np.array_equal(thin.predict_proba(x), dense.predict_proba(x))


@pytest.mark.parametrize("cls", [MLPClassifier, NeuralNetClassifier])
def test_a_large_sparse_matrix_is_never_dense_as_a_whole(cls: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")

    class Counting(sparse.csr_matrix):  # type: ignore[misc]
        def toarray(self, *arguments: Any, **options: Any) -> Any:
            largest.append(self.shape[0])
            return super().toarray(*arguments, **options)

    largest: list[int] = []
    x = Counting(sparse.random(4200, 2000, 0.001, random_state=0))
    few = {"hidden_layer_sizes": 2} if cls is MLPClassifier else {"layers": [md.layers.Dense(1)]}
    some = {"max_iter": 1} if cls is MLPClassifier else {"epochs": 1}
    cls(batch_size=1000, **few, **some).fit(x, np.arange(4200) % 2).predict(x)
    assert largest and max(largest) <= 4096


def test_several_labels_at_once() -> None:
    y = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 5], axis=1).astype(int)
    classifier = MLPClassifier(**{**QUICK, "max_iter": 300}, learning_rate_init=0.01).fit(X, y)
    assert classifier.predict(X).shape == y.shape
    assert classifier.score(X, y) > 0.9
    assert classifier.predict_proba(X).shape == y.shape


@pytest.mark.skipif(not hasattr(MLPClassifier, "set_callbacks"), reason="scikit-learn before 1.9")
def test_callbacks_of_scikit_learn() -> None:
    from sklearn.callback import ScoringMonitor

    tasks: list[tuple[str, int]] = []

    class Stop:
        def setup(self, estimator: Any, context: Any) -> None: ...
        def teardown(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_begin(self, estimator: Any, context: Any) -> None: ...

        def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
            tasks.append((context.task_name, context.task_id))
            return context.task_id == 3

    monitor = ScoringMonitor(scoring="accuracy")
    classifier = MLPClassifier(**QUICK).set_callbacks(monitor, Stop()).fit(X, Y)
    assert classifier.n_iter_ == 4
    assert tasks == [*(("epoch", i) for i in range(4)), ("fit", 0)]
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 4
    assert rows[-1]["accuracy"] == classifier.score(X, Y)
    for cls, epochs in EPOCHS.items():
        classifier = cls(class_weight={1: 9.0}, random_state=0, **epochs).set_callbacks(monitor)
        for weights in (None, np.linspace(0, 1, len(X))):
            expected = classifier.fit(X, Y, weights).score(X, Y, weights)
            assert monitor.get_logs().data[-1]["accuracy"] == expected


@pytest.mark.skipif(not hasattr(MLPClassifier, "set_callbacks"), reason="scikit-learn before 1.9")
@pytest.mark.parametrize("cls", EPOCHS)
def test_what_callbacks_of_scikit_learn_keep_stays_as_it_was(cls: Any) -> None:
    kept: list[tuple[Any, Any]] = []

    class Keep:
        def setup(self, estimator: Any, context: Any) -> None: ...
        def teardown(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_begin(self, estimator: Any, context: Any) -> None: ...

        def on_fit_task_end(
            self, estimator: Any, context: Any, *, fitted_estimator: Any = None
        ) -> None:
            kept.append((fitted_estimator, estimator.predict_proba(X)))

    cls(random_state=0, **EPOCHS[cls]).set_callbacks(Keep()).fit(X, Y)
    for fitted, expected in kept:
        assert np.array_equal(fitted.predict_proba(X), expected)


@pytest.mark.skipif(not hasattr(MLPClassifier, "set_callbacks"), reason="scikit-learn before 1.9")
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_callbacks_of_scikit_learn_end_with_a_fit_that_is_refused(cls: Any) -> None:
    heard: list[str] = []

    class Listen:
        def setup(self, estimator: Any, context: Any) -> None:
            heard.append("setup")

        def teardown(self, estimator: Any, context: Any) -> None:
            heard.append("teardown")

        def on_fit_task_begin(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_end(self, estimator: Any, context: Any) -> None: ...

    def fails(logs: Any) -> None:
        raise RuntimeError("no")

    for callbacks in (5, [md.callbacks.LambdaCallback(on_train_begin=fails)]):
        heard.clear()
        with pytest.raises((TypeError, RuntimeError)):
            cls(callbacks=callbacks).set_callbacks(Listen()).fit(X, Y)
        assert heard in ([], ["setup", "teardown"])


@pytest.mark.skipif(not hasattr(MLPClassifier, "set_callbacks"), reason="scikit-learn before 1.9")
def test_a_search_shows_the_epochs_of_its_fits() -> None:
    from sklearn.callback import ProgressBar, ScoringMonitor
    from sklearn.model_selection import GridSearchCV

    pytest.importorskip("rich")
    monitor = ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(MLPClassifier(**QUICK), {"alpha": [0.0, 0.1]}, cv=2, refit=False)
    search.set_callbacks(ProgressBar())
    search.estimator.set_callbacks(monitor)
    search.fit(X, Y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 2 * 2 * QUICK["max_iter"]
    assert {len(row["task_id_path"]) for row in rows} == {4}  # search, candidate, fold, epoch
    MLPRegressor(**{**QUICK, "solver": "lbfgs"}).set_callbacks(ProgressBar()).fit(X, X[:, 0])


# ---- bad input -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout=0.5 needs a solver that goes by batches"),
        ({"solver": "lbfgs", "batch_normalization": True}, "batch_normalization=True needs"),
        ({"solver": "lbfgs", "callbacks": []}, "callbacks needs epochs"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": (4.5,)}, "hidden_layer_sizes must be > 0"),
        ({"solver": "adamm"}, "The 'solver' parameter of MLPClassifier must be"),
        ({"alpha": -1}, "The 'alpha' parameter of MLPClassifier must be"),
        ({"early_stopping": "score"}, "The 'early_stopping' parameter"),
        ({"dropout": 1.0}, "The 'dropout' parameter"),
        ({"dropout": [0.1, 0.2]}, "dropout must hold one value for each of the 1 hidden"),
        ({"dropout": [1.5]}, "dropout must be a number >= 0 and < 1 .*; got 1.5"),
        (
            {"early_stopping": True, "validation_fraction": 0.999},
            "validation_fraction=0.999 cannot be held out of 150 samples",
        ),
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**{**QUICK, **arguments}).fit(X, Y)


def test_features_that_are_missing_or_text() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X.copy(), columns=list("abcd"))
    frame.loc[3, "c"] = np.nan
    with pytest.raises(ValueError, match=r"X lacks values in column 'c'; .*SimpleImputer"):
        MLPClassifier(**QUICK).fit(frame, Y)
    frame["c"], frame["b"] = 0.0, "warm"
    for kind in (str, "category"):
        frame["b"] = frame["b"].astype(kind)
        for estimator in (MLPClassifier(**QUICK), NeuralNetClassifier(epochs=1)):
            with pytest.raises(ValueError, match=r"X holds text in column 'b'; .*OneHotEncoder"):
                estimator.fit(frame, Y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_errors_of_validation_data_name_it(cls: Any) -> None:
    with pytest.raises(ValueError, match=r"validation_data: X has 2 features"):
        cls().fit(X, Y, validation_data=(X[:, :2], Y))
    with pytest.raises(ValueError, match=r"validation_data must be \(X, y\) .*; got 5"):
        cls().fit(X, Y, validation_data=5)


@pytest.mark.parametrize("cls", [MLPClassifier, NeuralNetClassifier])
def test_classes_that_are_none(cls: Any) -> None:
    for classes in ([], "ab", 5):
        with pytest.raises(ValueError, match="classes must be a list of all classes"):
            cls().partial_fit(X, Y, classes=classes)
    with pytest.raises(ValueError, match="y must hold labels of one type; got NoneType, str"):
        cls().fit(X, np.array([None, "a"] * 75, object))


def test_parameters_of_a_solver() -> None:
    classifier = MLPClassifier(**QUICK, solver=md.optimizers.Adam())
    assert classifier.get_params()["solver__learning_rate"] == 0.001
    assert clone(classifier).set_params(solver__learning_rate=0.3).solver.learning_rate == 0.3
    for path, message in (
        ("solver__learning_rate", "solver='adam' takes the estimator's arguments"),
        ("alpha__x", "alpha is given whole"),
        ("alpa", "did you mean 'alpha'"),
    ):
        with pytest.raises(ValueError, match=message):
            MLPClassifier().set_params(**{path: 3})


def test_targets_that_do_not_fit() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for regressor in (MLPRegressor(), NeuralNetRegressor()):
        with pytest.raises(TypeError, match="Sparse data was passed for y"):
            regressor.fit(X, sparse.csr_matrix(X[:, :1]))
        for y in (np.full(len(X), "1"), np.full(len(X), "a", object), Y.astype("M8[D]")):
            with pytest.raises(ValueError, match="y must hold numbers for a regressor"):
                regressor.fit(X, y)
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier(**QUICK).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="MultiOutputClassifier"):
        MLPClassifier(**QUICK).fit(X, np.stack([Y, Y + 1], axis=1))
    with pytest.raises(ValueError, match="loss='poisson' needs y >= 0"):
        MLPRegressor(**QUICK, loss="poisson").fit(X, X[:, 0])
    classifier = MLPClassifier(**QUICK).partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"y has classes not in `self.classes_`.*\[7\]"):
        classifier.partial_fit(X, np.full(len(X), 7))
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        classifier.partial_fit(X, Y, classes=[0, 1])
    warm = MLPClassifier(**QUICK, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="warm_start=True goes on with the classes"):
        warm.fit(X, Y + 1)
    with pytest.raises(ValueError, match="hidden_layer_sizes and y must fit the weights"):
        warm.set_params(hidden_layer_sizes=9).fit(X, Y)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_what_diverges_says_so(solver: str) -> None:
    with pytest.raises(ValueError, match=r"were not finite in epoch .*StandardScaler"):
        MLPRegressor(**{**QUICK, "solver": solver}).fit(X * 1e200, X[:, 0] * 1e200)


def test_ctrl_c_keeps_the_weights() -> None:
    def interrupt(epoch: int, logs: Any) -> None:
        if epoch == 4:
            raise KeyboardInterrupt

    stop = md.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.warns(UserWarning, match="interrupted in epoch 5"):
        classifier = MLPClassifier(**QUICK, callbacks=[stop]).fit(X, Y)
    assert classifier.n_iter_ == 4
    assert classifier.predict(X).shape == Y.shape


@pytest.mark.parametrize("early", [False, True, "loss"])
def test_ctrl_c_in_the_first_epoch(early: Any) -> None:
    def interrupt(epoch: int, logs: Any) -> None:
        raise KeyboardInterrupt

    stop = md.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.warns(UserWarning, match="interrupted in epoch 1"):
        classifier = MLPClassifier(**QUICK, callbacks=[stop], early_stopping=early).fit(X, Y)
    assert classifier.n_iter_ == 0
    assert classifier.predict(X).shape == Y.shape


def test_callbacks_that_watch_what_nobody_tells() -> None:
    stop = md.callbacks.EarlyStopping(patience=2)
    classifier = MLPClassifier(**QUICK, callbacks=[stop])
    with pytest.raises(ValueError, match="EarlyStopping monitors 'val_loss', which training does"):
        classifier.fit(X, Y)
    assert not hasattr(classifier, "coefs_")
    assert classifier.fit(X, Y, validation_data=(X, Y)).n_iter_ == 15
    stop = md.callbacks.EarlyStopping("val_score", mode="max", min_delta=2.0)
    assert classifier.set_params(callbacks=[stop], early_stopping=True).fit(X, Y).n_iter_ == 2


def test_too_few_epochs_are_told() -> None:
    with pytest.warns(ConvergenceWarning, match="max_iter=15 epochs are over") as caught:
        MLPClassifier(**QUICK).fit(X, Y)
    assert caught[0].filename == __file__
