"""Folds, cross-validation and searches: what they return, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur.model_selection import (
    GridSearch,
    KFold,
    RandomSearch,
    StratifiedKFold,
    cross_validate,
)

Array = npt.NDArray[Any]
L = md.layers
pytestmark = pytest.mark.usefixtures("two_threads")


def data(samples: int = 90, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, 4)).astype(np.float32)
    return x, np.digitize(x[:, 0] + x[:, 1], [-0.5, 0.5])


def classifier(units: int = 8, learning_rate: float = 0.05) -> md.Model:
    model = md.Model([L.Dense(units, "tanh"), L.Dense(3, "softmax")], seed=1)
    model.compile(
        md.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def line(learning_rate: float = 0.1) -> md.Model:
    model = md.Model([L.Dense(1)], seed=0)
    model.compile(md.optimizers.SGD(learning_rate), "mse")
    return model


# ---- folds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [5, 7, 23, 100])
@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.filterwarnings("ignore:class .* has", "ignore:The least populated class")
def test_folds_are_scikit_learns(samples: int, k: int) -> None:
    theirs = pytest.importorskip("sklearn.model_selection")
    # Classes that do not appear as they sort, one of them rare.
    labels = np.random.default_rng(samples).choice(["b", "c", "a"], samples, p=[0.6, 0.35, 0.05])
    for ours, same in ((KFold, theirs.KFold), (StratifiedKFold, theirs.StratifiedKFold)):
        if ours is StratifiedKFold and np.unique(labels, return_counts=True)[1].max() < k:
            continue
        folds = zip(ours(k).split(labels, labels), same(k).split(labels, labels), strict=True)
        for (train, test), (train_, test_) in folds:
            np.testing.assert_array_equal(train, train_)
            np.testing.assert_array_equal(test, test_)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", [KFold, StratifiedKFold])
def test_each_sample_judges_once(kind: Any, shuffle: bool) -> None:
    labels = np.random.default_rng(0).integers(0, 3, 101)
    splitter = kind(4, shuffle=shuffle, random_state=3 if shuffle else None)
    folds = list(splitter.split(labels, labels))
    again = list(splitter.split(labels, labels))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(101))
    for (train, test), (_, test_again) in zip(folds, again, strict=True):
        assert sorted([*train, *test]) == list(range(101))
        np.testing.assert_array_equal(test, test_again)
    sizes = [len(test) for _, test in folds]
    assert max(sizes) - min(sizes) <= 1
    if kind is StratifiedKFold:
        counts = np.array([np.bincount(labels[test], minlength=3) for _, test in folds])
        assert (np.ptp(counts, axis=0) <= 1).all()
        one_hot = np.eye(3)[labels]
        for (_, test), (_, same) in zip(folds, splitter.split(labels, one_hot), strict=True):
            np.testing.assert_array_equal(test, same)


def test_folds_refuse() -> None:
    with pytest.raises(ValueError, match=r"n_splits must be >= 2; got 1"):
        KFold(1)
    with pytest.raises(ValueError, match=r"n_splits=5 cannot be more than .* samples, 3"):
        list(KFold(5).split([1, 2, 3]))
    with pytest.raises(ValueError, match=r"n_splits=5 .* the largest has 4"):
        list(StratifiedKFold(5).split(range(6), [0, 0, 0, 0, 1, 1]))
    with pytest.warns(UserWarning, match=r"class b has 2 samples, fewer than n_splits=3"):
        list(StratifiedKFold(3).split(range(6), list("aaaabb")))
    with pytest.raises(ValueError, match=r"random_state must be None without shuffle=True; got 0"):
        KFold(random_state=0)
    with pytest.raises(ValueError, match=r"y must be labels .* or one-hot rows.*got \(4, 2\)"):
        list(StratifiedKFold(2).split(range(4), [[0, 1], [1, 1], [0, 0], [1, 0]]))
    for scalar in (5, np.float64(5)):
        with pytest.raises(TypeError, match="x must be a list or an array of samples; got"):
            list(KFold(2).split(scalar))
    with pytest.raises(TypeError, match=r"y must hold labels of one type: .*'NoneType' and 'str'"):
        list(StratifiedKFold(2).split(range(4), [None, "a", "a", None]))
    with pytest.raises(ValueError, match=r"y must have the class of each of 6 samples; got None"):
        list(StratifiedKFold(3).split(range(6)))


def test_folds_of_a_sparse_matrix() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    [(_, first), (_, second)] = KFold(2).split(sparse.csr_matrix(np.eye(5)))
    assert [first.tolist(), second.tolist()] == [[0, 1, 2], [3, 4]]


# ---- cross-validation ---------------------------------------------------------------------------


def test_a_fold_is_a_model_trained_and_judged_by_hand() -> None:
    x, y = data()
    found = cross_validate(
        classifier,
        *(x, y),
        cv=3,
        epochs=4,
        batch_size=16,
        return_train_score=True,
        return_model=True,
        return_indices=True,
        verbose=0,
    )
    assert set(found) == {
        *("fit_time", "score_time", "model", "indices"),
        *(f"{kind}_{name}" for kind in ("test", "train") for name in ("loss", "accuracy", "score")),
    }
    np.testing.assert_array_equal(found["test_score"], found["test_accuracy"])
    splitter = StratifiedKFold(3)
    for i, (train, test) in enumerate(splitter.split(x, y)):
        np.testing.assert_array_equal(found["indices"]["test"][i], test)
        model = classifier()
        model.fit(x[train], y[train], epochs=4, batch_size=16, verbose=0)
        loss, accuracy = model.evaluate(x[test], y[test], 16, verbose=0)
        assert (found["test_loss"][i], found["test_accuracy"][i]) == (loss, accuracy)
        assert found["train_loss"][i] == model.evaluate(x[train], y[train], 16, verbose=0)[0]
        for ours, same in zip(found["model"][i].get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, same)


def test_a_regression_has_plain_folds_and_its_score_is_the_negative_loss() -> None:
    x = np.linspace(-1, 1, 50).reshape(-1, 1)
    found = cross_validate(line(), x, 3 * x, cv=5, epochs=3, return_indices=True, verbose=0)
    np.testing.assert_array_equal(found["test_score"], -found["test_loss"])
    np.testing.assert_array_equal(found["indices"]["test"][0], np.arange(10))


def test_a_function_may_be_the_score() -> None:
    x, y = data()

    def share_right(model: md.Model, x: Array, y: Array) -> float:
        return float((model.predict(x, verbose=0).argmax(axis=1) == y).mean())

    found = cross_validate(classifier, x, y, cv=3, scoring=share_right, epochs=3, verbose=0)
    np.testing.assert_allclose(found["test_score"], found["test_accuracy"], rtol=1e-6)


def test_scikit_learns_splitters_and_folds_by_hand() -> None:
    theirs = pytest.importorskip("sklearn.model_selection")
    x, y = data()
    splitter = theirs.ShuffleSplit(3, test_size=0.2, random_state=0)
    found = cross_validate(classifier, x, y, cv=splitter, verbose=0)
    folds = [(list(train), list(test)) for train, test in splitter.split(x)]
    np.testing.assert_array_equal(
        found["test_loss"], cross_validate(classifier, x, y, cv=folds, verbose=0)["test_loss"]
    )


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    x, y = data()
    frame, labels = pandas.DataFrame(x), pandas.Series(y, index=range(7, 97))
    of_frames = cross_validate(classifier, frame, labels, cv=3, verbose=0)
    of_arrays = cross_validate(classifier, x, y, cv=3, verbose=0)
    np.testing.assert_array_equal(of_frames["test_loss"], of_arrays["test_loss"])


def test_a_number_of_folds_stratifies_soft_targets_too() -> None:
    x, y = data()
    soft = 0.8 * np.eye(3)[y] + 0.2 / 3
    model = md.Model([L.Dense(3, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    found = cross_validate(model, x, soft, cv=3, return_indices=True, verbose=0)["indices"]["test"]
    for test, (_, expected) in zip(found, StratifiedKFold(3).split(x, y), strict=True):
        np.testing.assert_array_equal(test, expected)


def test_a_number_of_folds_cannot_stratify_labels_of_time_steps() -> None:
    x, _ = data()
    model = md.Model([L.TimeDistributed(L.Dense(3, "softmax"))], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    steps, labels = np.stack([x, x], axis=1), np.tile([0, 1], (len(x), 1))
    found = cross_validate(model, steps, labels, cv=3, return_indices=True, verbose=0)
    np.testing.assert_array_equal(found["indices"]["test"][0], np.arange(30))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_function_returns_a_new_model_with_every_call(workers: int) -> None:
    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    only, optimizer = line(), md.optimizers.SGD()

    def sharing() -> md.Model:
        model = line()
        model.compile(optimizer, "mse")
        return model

    for make, what in ((lambda: only, "model"), (sharing, "optimizer")):
        for work in (
            lambda make=make, **how: cross_validate(make, x, x, **how),
            lambda make=make, **how: GridSearch(make, {"epochs": [1]}, **how).fit(x, x),
        ):
            with pytest.raises(RuntimeError, match=f"fold 0: ValueError: .* its {what} came befor"):
                work(cv=2, workers=workers, verbose=0)
    assert only.history is None


def test_a_model_that_was_trained_goes_on_with_a_warning() -> None:
    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    model = line()
    model.fit(x, x, epochs=2, verbose=0)
    before = model.get_weights()
    with pytest.warns(UserWarning, match="make was trained before, for 2 epochs") as warned:
        cross_validate(model, x, x, cv=2, verbose=0)
    assert warned[0].filename == __file__
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_error_ends_the_work(workers: int) -> None:
    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    calls = []

    def second_fails(learning_rate: float = 0.1) -> md.Model:
        calls.append(learning_rate)
        if len(calls) == 3:
            raise ValueError("no")
        return line()

    # Those at work end long before their epochs do.
    search = GridSearch(second_fails, {"learning_rate": [1.0, 0.1]}, cv=5, workers=workers)
    search.verbose, search.arguments = 0, {"epochs": 200 if workers == 1 else 10**7}
    with pytest.raises(RuntimeError, match=r"'learning_rate': 1.0} on fold [01]: ValueError: no"):
        search.fit(x, x)
    assert len(calls) == 3


def test_a_score_that_no_model_tells_is_refused_before_training() -> None:
    x, y = data()
    calls = []

    def make() -> md.Model:
        calls.append(1)
        return classifier()

    with pytest.raises(ValueError, match=r"scoring must be one of 'loss', 'accuracy'.*got 'auc'"):
        cross_validate(make, x, y, scoring="auc", verbose=0)
    with pytest.raises(ValueError, match="x and y must have the same number of samples"):
        cross_validate(make, x, y[:50], verbose=0)
    with pytest.raises(TypeError, match="return_indices must be True or False"):
        cross_validate(make, x, y, return_indices=1, verbose=0)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"call compile\(optimizer, loss\)"):
        cross_validate(lambda: md.Model([L.Dense(1)]), x, y, verbose=0)
    assert len(calls) == 1


# ---- searches -----------------------------------------------------------------------------------


def test_a_grid_returns_what_scikit_learns_does() -> None:
    theirs = pytest.importorskip("sklearn.model_selection")
    dummy = pytest.importorskip("sklearn.dummy")
    x, y = data()
    grid = [{"units": [2, 8], "learning_rate": [1e-4, 0.1]}, {"units": [4], "epochs": [1]}]
    ours = GridSearch(classifier, grid, cv=3, epochs=6, return_train_score=True, verbose=0)
    assert ours.fit(x, y) is ours
    found = ours.cv_results_
    other = theirs.GridSearchCV(
        dummy.DummyClassifier(strategy="constant"),
        [{"constant": [0, 1], "random_state": [1, 2]}, {"constant": [2], "strategy": ["uniform"]}],
        cv=3,
        return_train_score=True,
    ).fit(x, y)
    for name, column in other.cv_results_.items():
        if name.startswith("param_"):
            continue
        assert type(found[name]) is type(column), name
        assert len(found[name]) == len(column) == 5
        assert getattr(found[name], "dtype", None) == getattr(column, "dtype", None), name
    assert found["param_epochs"].mask.tolist() == [True] * 4 + [False]
    assert found["param_units"].tolist() == [2, 2, 8, 8, 4]
    splits = np.stack([found[f"split{i}_test_score"] for i in range(3)])
    np.testing.assert_array_equal(found["mean_test_score"], splits.mean(axis=0))
    assert found["rank_test_score"][ours.best_index_] == 1
    assert ours.best_params_["learning_rate"] == 0.1
    assert ours.best_score_ == found["mean_test_score"].max()
    assert ours.n_splits_ == 3
    # The winner, trained on everything.
    again = classifier(**ours.best_params_)
    again.fit(x, y, epochs=6, verbose=0)
    for a, b in zip(again.get_weights(), ours.best_model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_workers_change_nothing() -> None:
    x, y = data()
    columns = []
    for workers in (1, 2):
        search = GridSearch(
            classifier, {"units": [2, 5, 8]}, cv=3, epochs=3, workers=workers, refit=False
        )
        search.verbose = 0
        columns.append(search.fit(x, y).cv_results_["mean_test_loss"])
    np.testing.assert_array_equal(*columns)


def test_a_random_search() -> None:
    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    lists = {"learning_rate": [1e-4, 1e-3, 1e-2, 0.1], "epochs": [2, 4]}
    drawn = []
    for n_iter in (3, 3, 100):
        search = RandomSearch(line, lists, n_iter=n_iter, random_state=1, cv=2, verbose=0)
        drawn.append([tuple(p.values()) for p in search.fit(x, 3 * x).cv_results_["params"]])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 3
    assert len(set(drawn[2])) == len(drawn[2]) == 8

    stats = pytest.importorskip("scipy.stats")
    rates = {"learning_rate": stats.loguniform(1e-3, 0.1), "batch_size": [8, 16]}
    search = RandomSearch(line, rates, n_iter=4, random_state=1, cv=2, refit=False, verbose=0)
    found = search.fit(x, 3 * x).cv_results_["param_learning_rate"]
    assert all(isinstance(rate, float) and 1e-3 <= rate <= 0.1 for rate in found)
    assert len(set(found)) == 4
    assert not hasattr(search, "best_model_")


def test_a_candidate_that_fails() -> None:
    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    grid = {"learning_rate": [0.1, 1e30]}
    with pytest.raises(RuntimeError, match=r"'learning_rate': 1e\+30} on fold 0: NonFiniteLoss"):
        GridSearch(line, grid, cv=2, epochs=9, verbose=0).fit(x, 3 * x)
    for score in (-100.0, math.nan):
        search = GridSearch(line, grid, cv=2, epochs=9, verbose=0, error_score=score)
        with pytest.warns(UserWarning, match="on fold . scores"):
            search.fit(x, 3 * x)
        assert search.best_params_ == {"learning_rate": 0.1}
        np.testing.assert_equal(search.cv_results_["mean_test_score"][1], score)
        assert search.cv_results_["rank_test_score"].tolist() == [1, 2]


@pytest.mark.parametrize("rates", [[1e30, 0.1], [0.1, 1e30]])
def test_a_candidate_that_cannot_be_made(rates: list[float]) -> None:
    def make(learning_rate: float) -> md.Model:
        if learning_rate > 1:
            raise ValueError("too much")
        return line(learning_rate)

    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    search = GridSearch(make, {"learning_rate": rates}, cv=2, verbose=0, error_score=math.nan)
    with pytest.warns(UserWarning, match="'learning_rate': 1e.30} on fold . scores nan: ValueErr"):
        search.fit(x, 3 * x)
    assert search.best_params_ == {"learning_rate": 0.1}
    search = GridSearch(make, {"learning_rate": [9]}, cv=2, verbose=0, error_score=0.0)
    with pytest.raises(RuntimeError, match=r"no model could be judged; .* fold 0: .* too much"):
        search.fit(x, 3 * x)


def test_a_random_search_over_more_combinations_than_int64_counts() -> None:
    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    lists = {f"p{i}": list(range(10)) for i in range(20)}
    search = RandomSearch(lambda **of: line(), lists, n_iter=2, cv=2, refit=False, verbose=0)
    first, second = search.fit(x, x).cv_results_["params"]
    assert first != second


def test_candidates_are_judged_alike() -> None:
    x, y = data()
    weights = [np.ones(len(x)), np.linspace(0, 2, len(x))]
    search = GridSearch(classifier, {"sample_weight": weights}, cv=3, refit=False, verbose=0)
    found = search.fit(x, y).cv_results_
    for i, w in enumerate(weights):
        loss = 0.0
        for train, test in StratifiedKFold(3).split(x, y):
            model = classifier()
            model.fit(x[train], y[train], sample_weight=w[train], verbose=0)
            loss += model.evaluate(x[test], y[test], verbose=0)[0] / 3
        assert found["mean_test_loss"][i] == pytest.approx(loss, rel=1e-12)


def test_a_search_shows_its_settings() -> None:
    search = GridSearch(classifier, {"units": [2, 4]}, cv=3, error_score=math.nan, epochs=9)
    assert repr(search) == (
        "GridSearch(classifier, [{'units': [2, 4]}], cv=3, error_score=nan, epochs=9)"
    )
    assert repr(eval(repr(search), globals() | {"nan": math.nan})) == repr(search)
    random = RandomSearch(line, {"epochs": [1]}, 3, random_state=1, refit=False)
    assert (
        repr(random) == "RandomSearch(line, {'epochs': [1]}, n_iter=3, random_state=1, refit=False)"
    )


def test_what_a_search_refuses() -> None:
    x, y = data()
    with pytest.raises(ValueError, match=r"'unit' is none of make or of Model.fit; did you mean"):
        GridSearch(classifier, {"unit": [3]}, cv=2, verbose=0).fit(x, y)
    with pytest.raises(TypeError, match="fit has no argument 'epoch'; did you mean 'epochs'"):
        GridSearch(classifier, {"units": [3]}, epoch=2)
    with pytest.raises(TypeError, match=r"make must be a function .* got int"):
        cross_validate(3, x, y)
    with pytest.raises(TypeError, match="make must return a Model; it returned list"):
        cross_validate(list, x, y, verbose=0)
    with pytest.raises(ValueError, match=r"param_grid\['units'\] must have at least one value"):
        GridSearch(classifier, {"units": []})
    with pytest.raises(TypeError, match="param_grid must be a dict of lists"):
        GridSearch(classifier, [3])
    with pytest.raises(TypeError, match=r"param_grid\['units'\] must be a list"):
        GridSearch(classifier, {"units": 3})
    with pytest.raises(TypeError, match="param_distributions must be a dict"):
        RandomSearch(classifier, [1])
    with pytest.raises(ValueError, match="cv must be >= 2; got 1"):
        cross_validate(classifier, x, y, cv=1)
    for cv in ("ab", 2.5, None):
        with pytest.raises(TypeError, match="cv must be a number of folds, an object with split"):
            cross_validate(classifier, x, y, cv=cv)
    with pytest.raises(TypeError, match="cv must give pairs of indices"):
        cross_validate(classifier, x, y, cv=[3])
    with pytest.raises(ValueError, match="test of cv's fold 0 must be indices from 0 to 89"):
        cross_validate(classifier, x, y, cv=[([0], [90])])
