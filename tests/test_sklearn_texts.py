"""The classifier of texts as an estimator of scikit-learn."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6", reason="install the extra 'sklearn'")
pytest.importorskip("tokenizers", reason="install the extra 'text'")
from mundur import layers, optimizers
from mundur.sklearn import TextClassifier
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

TEXTS = [f"{how} {what}" for how in ("this is", "really", "it was") for what in ("good", "bad")] * 4
LABELS = [np.str_("yes") if "good" in text else np.str_("no") for text in TEXTS]
NET = [layers.Embedding(50, 8), layers.GlobalAveragePooling1D(), layers.Dense(1)]
QUICK: dict[str, Any] = {
    "vocabulary": 50,
    "epochs": 30,
    "optimizer": optimizers.Adam(0.05),
    "random_state": 0,
}


def test_it_learns_and_is_searched() -> None:
    classifier = TextClassifier(NET, **QUICK)
    assert cross_val_score(classifier, TEXTS, LABELS, cv=2).min() > 0.9
    grid = {"layers__0__output_dim": [2, 4], "optimizer__learning_rate": [0.1]}
    search = GridSearchCV(classifier, grid, cv=2).fit(TEXTS, LABELS)
    assert search.score(TEXTS, LABELS) == 1
    assert search.predict(["how good"]).tolist() == ["yes"]


@pytest.mark.parametrize("labels", [[0.5, 2.5], [False, True], ["a", "b"], [7, -7]])
def test_classes_of_any_dtype(labels: list[Any]) -> None:
    y = np.array(labels)[[int("good" in text) for text in TEXTS]]
    if y.dtype.kind == "f":
        with pytest.raises(ValueError, match="Unknown label type"):
            TextClassifier(NET, **QUICK).fit(TEXTS, y)
        return
    classifier = TextClassifier(NET, **QUICK).fit(TEXTS, y)
    assert classifier.predict(TEXTS).dtype == y.dtype
    assert np.array_equal(classifier.predict(TEXTS), y)
    assert np.array_equal(classifier.classes_, np.unique(y))
    assert classifier.predict_proba(TEXTS).sum(axis=1) == pytest.approx(1)


def test_series_frames_and_copies() -> None:
    pd = pytest.importorskip("pandas")
    classifier = TextClassifier(NET, **QUICK).fit(pd.Series(TEXTS), pd.Series(LABELS))
    expected = classifier.predict_proba(TEXTS)
    frame = pd.DataFrame({"text": TEXTS})
    assert np.array_equal(classifier.predict_proba(frame), expected)
    for other in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
        assert np.array_equal(other.predict_proba(np.array(TEXTS)), expected)
    assert np.array_equal(clone(classifier).fit(TEXTS, LABELS).predict_proba(TEXTS), expected)
    assert NET[0].input_dim == 50 and QUICK["optimizer"].iterations == 0
    with pytest.raises(ValueError, match="X must be texts, one for each sample; got 2 columns"):
        classifier.predict(pd.DataFrame({"a": TEXTS, "b": TEXTS}))


def test_weights_of_classes_and_what_is_held_out() -> None:
    classifier = TextClassifier(NET, **QUICK, class_weight="balanced")
    classifier.fit(TEXTS, LABELS, validation_data=(TEXTS[:4], LABELS[:4]))
    assert len(classifier.history_.history["val_loss"]) == 30
    by_sample = TextClassifier(NET, **QUICK).fit(TEXTS, LABELS, sample_weight=np.ones(len(TEXTS)))
    assert by_sample.history_.history["loss"] == classifier.history_.history["loss"]


@pytest.mark.skipif(not hasattr(TextClassifier, "set_callbacks"), reason="scikit-learn before 1.9")
def test_callbacks_of_scikit_learn() -> None:
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    classifier = TextClassifier(NET, **QUICK).set_callbacks(monitor).fit(TEXTS, LABELS)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == classifier.n_iter_ == QUICK["epochs"]
    assert rows[-1]["accuracy"] == classifier.score(TEXTS, LABELS)


def test_bad_input() -> None:
    with pytest.raises(TypeError, match=r"texts\[1\] must be text; got 3"):
        TextClassifier(NET, **QUICK).fit(["a b", 3], ["yes", "no"])
    with pytest.raises(ValueError, match="y must hold two classes or more; got one class"):
        TextClassifier(NET, **QUICK).fit(TEXTS, ["yes"] * len(TEXTS))
    with pytest.raises(ValueError, match=r"for 3 labels the model must give \(3,\)"):
        TextClassifier(NET, **QUICK).fit(TEXTS, np.arange(len(TEXTS)) % 3)
    for texts in ("abc", iter(TEXTS), {"a": 1}):
        with pytest.raises(TypeError, match="X must be a list, Series or array of texts; got"):
            TextClassifier(NET, **QUICK).fit(texts, [0])
    with pytest.raises(TypeError, match="optimizer must be a name or an Optimizer; got None"):
        TextClassifier(NET, optimizer=None).fit(TEXTS, LABELS)
    for data in ((TEXTS,), 5):
        with pytest.raises(ValueError, match=r"validation_data must be \(X, y\)"):
            TextClassifier(NET, **QUICK).fit(TEXTS, LABELS, validation_data=data)
    with pytest.raises(ValueError, match="validation_data: y has classes not in"):
        TextClassifier(NET, **QUICK).fit(TEXTS, LABELS, validation_data=(TEXTS[:1], ["?"]))
    refused = TextClassifier(NET, **QUICK)
    with pytest.raises(ValueError, match="y must hold labels of one type; got NoneType, str"):
        refused.fit(TEXTS, [None, "a"] * 12)
    assert not hasattr(refused, "classes_")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TextClassifier(NET, **QUICK).fit(TEXTS, LABELS[1:])
