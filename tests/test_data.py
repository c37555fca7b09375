"""Data that comes in: what is taken as it is, and a clear error for the rest."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import mundur as md
import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])
D, S = md.layers.Dense, md.losses


def regression(outputs: int = 1, **options: Any) -> md.Model:
    model = md.Model([D(outputs)], **({"seed": 0} | options))
    model.compile(md.optimizers.SGD(0.01), "mse")
    return model


def compiled(head: str, units: int, loss: Any, metrics: Any = None) -> md.Model:
    model = md.Model([D(units, head)], seed=0)
    model.compile("sgd", loss, metrics=metrics)
    return model


# ---- what is taken ------------------------------------------------------------------------------


class HasArray:
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return X


class HasDlpack:
    def __dlpack__(self, **options: Any) -> Any:
        return X.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return X.__dlpack_device__()


def unaligned() -> Any:
    raw = np.zeros(X.nbytes + 1, np.uint8)
    view = raw[1:].view(np.float32).reshape(X.shape)
    view[...] = X
    assert not view.flags.aligned
    return view


def read_only() -> Any:
    view = X.copy()
    view.flags.writeable = False
    return view


def strided() -> Any:
    wide = np.zeros((12, 6), np.float32)
    wide[::2, 1::2] = X
    return wide[::2, 1::2]


@pytest.mark.parametrize(
    "make",
    [
        lambda: X.tolist(),
        lambda: [row for row in X],
        lambda: tuple(map(tuple, X.tolist())),
        lambda: X.astype(np.float64),
        lambda: X.astype(">f4"),
        lambda: np.asfortranarray(X),
        lambda: X[::-1][::-1],
        strided,
        read_only,
        unaligned,
        HasArray,
        HasDlpack,
    ],
)
def test_forms_of_the_same_features(make: Any) -> None:
    expected = regression(input_shape=(3,)).predict(X)
    assert np.array_equal(regression(input_shape=(3,)).predict(make()), expected)


@pytest.mark.parametrize(
    "dtype",
    ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">i2", ">f8"],
)
def test_dtypes_of_features(dtype: str) -> None:
    x = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    model = regression(input_shape=(3,))
    expected = model.predict(x.astype(np.float32))
    assert np.array_equal(model.predict(x), expected)
    assert np.array_equal(model.forward(x), expected)
    model.fit(x, np.zeros(2), verbose=0)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8", "u1", "bool"])
def test_dtypes_of_targets(dtype: str) -> None:
    y = np.array([0, 1, 1, 0, 1, 0]).astype(dtype)
    losses = []
    for target in (y, y.astype(np.float32).reshape(-1, 1)):
        losses.append(regression().fit(X, target, verbose=0).history["loss"])
    assert losses[0] == losses[1]
    model = compiled("sigmoid", 1, "binary_crossentropy")
    model.fit(X, y, verbose=0)
    model = compiled("softmax", 3, "sparse_categorical_crossentropy")
    model.fit(X, y, verbose=0)


def test_memory_maps_stream(tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    model, other = regression(), regression()
    model.fit(mapped, LABELS, epochs=3, verbose=0)
    other.fit(X, LABELS, epochs=3, verbose=0)
    assert np.array_equal(model.predict(mapped), other.predict(X))


def test_one_feature_may_come_flat() -> None:
    model = regression(input_shape=(1,))
    assert np.array_equal(model.predict(X[:, 0]), model.predict(X[:, :1]))
    with pytest.raises(ValueError, match=r"reshape\(-1, 1\)"):
        regression().predict(X[:, 0])


def test_sample_weight_may_be_a_column() -> None:
    weight = np.arange(6)
    flat = regression().fit(X, LABELS, sample_weight=weight, verbose=0)
    column = regression().fit(X, LABELS, sample_weight=weight.reshape(-1, 1), verbose=0)
    assert flat.history == column.history


# ---- what is not: features ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (None, TypeError, "x must be an array; got None"),
        ("text", TypeError, "x must be an array; got str"),
        ({"a": 1}, TypeError, "got dict"),
        (3.0, ValueError, "x must have shape"),
        (X[0], ValueError, "x must have shape (samples, 3); got (3,); for a single sample"),
        (X[:, :2], ValueError, "x must have shape (samples, 3); got (6, 2)"),
        (X[None], ValueError, "got (1, 6, 3)"),
        (X[:0], ValueError, "x must not be empty; got shape (0, 3)"),
        (X.astype(object), TypeError, "x must hold real numbers"),
        (X.astype(str), TypeError, "encode text"),
        (X.astype(complex), TypeError, "real and imaginary"),
        (X.astype(np.longdouble), TypeError, "astype(np.float64)"),
        (np.zeros((6, 3), "M8[s]"), TypeError, "times"),
        ([[1.0, 2.0, 3.0], [1.0]], ValueError, "x does not form an array"),
        (np.ma.masked_array(X, X > 0), TypeError, "masked"),
        (object(), TypeError, "got object"),
    ],
)
@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "forward", "train_on_batch"])
def test_bad_features(x: Any, error: type[Exception], words: str, call: str) -> None:
    model = regression(input_shape=(3,))
    arguments = (x,) if call in ("predict", "forward") else (x, LABELS)
    with pytest.raises(error) as caught:
        getattr(model, call)(*arguments)
    assert words in str(caught.value)


def test_sparse_matrices_are_explained() -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"x.toarray\(\)"):
        regression().predict(scipy_sparse.csr_matrix(X))


def bad_features(value: float, at: tuple[int, ...]) -> Any:
    x = X.copy()
    x[at] = value
    return x


@pytest.mark.parametrize("call", ["forward", "train_on_batch"])
def test_an_iterable_is_no_batch(call: str) -> None:
    with pytest.raises(TypeError, match="x must be an array; got generator, an iterable; batches"):
        getattr(regression(), call)(row for row in X)


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch"])
def test_features_that_are_not_finite(call: str) -> None:
    model = regression()
    model.build((3,))
    before = model.get_weights()
    for value, dtype in product([math.nan, math.inf, -math.inf], ["f2", "f4", "f8"]):
        x = bad_features(value, (4, 1)).astype(dtype)
        arguments = (x,) if call == "predict" else (x, LABELS)
        with pytest.raises(ValueError) as caught:
            getattr(model, call)(*arguments)
        for words in (
            "x must be finite",
            str(value),
            "sample 4, feature 1",
            "allow_nonfinite=True",
        ):
            assert words in str(caught.value)
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "train_on_batch"])
def test_features_beyond_float32(call: str) -> None:
    x = np.zeros((5000, 3))
    x[4999, 1] = -1e39
    arguments = (x,) if call == "predict" else (x, np.zeros(5000))
    words = r"x holds -1e\+39 at sample 4999, feature 1 .*beyond the range of float32.*float64"
    with pytest.raises(ValueError, match=words):
        getattr(regression(), call)(*arguments)
    assert np.isfinite(regression(dtype="float64").predict(x)).all()


@pytest.mark.parametrize("x", [(X, LABELS), [[1.0], [1.0, 2.0]]])
def test_features_that_form_no_array(x: Any) -> None:
    with pytest.raises(ValueError, match=r"must be padded or cut to one.*two arguments"):
        regression().fit(x)


def test_features_that_are_not_finite_can_be_allowed() -> None:
    x = bad_features(math.inf, (4, 1))
    model = md.Model([D(2, "tanh"), D(1)], seed=0)
    model.compile("sgd", "mse")
    assert model.predict(x, allow_nonfinite=True).shape == (6, 1)
    model.evaluate(x, LABELS, verbose=0, allow_nonfinite=True)
    with pytest.raises(TypeError, match="allow_nonfinite"):
        model.predict(x, allow_nonfinite="yes")


def test_features_that_are_not_finite_in_images_and_validation() -> None:
    x = np.zeros((4, 2, 3))
    x[2, 1, 0] = np.nan
    model = md.Model([md.layers.Flatten(), D(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"sample 2, feature \(1, 0\)"):
        model.fit(x, np.zeros(4), verbose=0)
    with pytest.raises(ValueError, match=r"validation_data\[0\] must be finite"):
        model.fit(np.zeros((4, 2, 3)), np.zeros(4), validation_data=(x, np.zeros(4)), verbose=0)
    with pytest.raises(ValueError, match=r"validation_split.*sample 1"):
        model.fit(x[[0, 1, 1, 2]], np.zeros(4), validation_split=0.5, verbose=0)


# ---- what is not: targets -----------------------------------------------------------------------

SPARSE = lambda: compiled("softmax", 3, "sparse_categorical_crossentropy")  # noqa: E731
DENSE = lambda: compiled("softmax", 3, "categorical_crossentropy")  # noqa: E731
BINARY = lambda: compiled("sigmoid", 1, "binary_crossentropy")  # noqa: E731
ONE_HOT = md.utils.to_categorical(LABELS)


@pytest.mark.parametrize(
    ("make", "y", "error", "words"),
    [
        (regression, None, TypeError, "y must be an array; got None"),
        (regression, 1.0, ValueError, "single number"),
        (regression, LABELS[:5], ValueError, "x has 6, y has 5"),
        (regression, np.zeros((6, 2)), ValueError, "y must have shape (6, 1)"),
        (lambda: regression(2), np.zeros(6), ValueError, "y must have shape (6, 2)"),
        (lambda: regression(3), LABELS, ValueError, "to_categorical(y, 3)"),
        (lambda: regression(3), np.zeros(6), ValueError, "gives 3 numbers per sample, y holds one"),
        (regression, LABELS.astype(str), TypeError, "np.unique(y, return_inverse=True) numbers"),
        (regression, LABELS.astype(str).astype(object), TypeError, "text; classes, y = np.unique"),
        (regression, LABELS.astype(object), TypeError, "y must hold real numbers"),
        (regression, LABELS + 1j, TypeError, "y must hold real numbers"),
        (regression, [0, 1, np.nan, 0, 1, 2], ValueError, "y must be finite; got nan at sample 2"),
        (regression, [0, 1, 2, np.inf, 1, 2], ValueError, "y must be finite; got inf at sample 3"),
        (SPARSE, LABELS + 1, ValueError, "labels in [0, 3), one per output; got 3 at sample 2"),
        (SPARSE, LABELS - 1, ValueError, "got -1 at sample 0"),
        (SPARSE, LABELS.astype(np.uint64) + 2**63, ValueError, "labels in [0, 3)"),
        (SPARSE, LABELS + 0.5, ValueError, "whole class numbers; got 0.5 at sample 0"),
        (SPARSE, [0, 1, np.nan, 0, 1, 2], ValueError, "whole class numbers; got nan"),
        (SPARSE, ONE_HOT, ValueError, "looks one-hot: use CategoricalCrossentropy"),
        (SPARSE, np.zeros((6, 2)), ValueError, "labels of shape (6,)"),
        (DENSE, LABELS, ValueError, "to_categorical(y, 3), or use SparseCategoricalCrossentropy"),
        (DENSE, LABELS.reshape(-1, 1), ValueError, "use SparseCategoricalCrossentropy"),
        (DENSE, ONE_HOT * 2, ValueError, "[0, 1] for CategoricalCrossentropy; got 2.0"),
        (DENSE, -ONE_HOT, ValueError, "[0, 1]"),
        (DENSE, ONE_HOT * np.nan, ValueError, "y must be finite"),
        (BINARY, LABELS, ValueError, "[0, 1] for BinaryCrossentropy; got 2 at sample 2"),
        (BINARY, LABELS - 1, ValueError, "got -1 at sample 0"),
        (BINARY, ONE_HOT, ValueError, "y must have shape (6, 1)"),
    ],
)
@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_bad_targets(make: Any, y: Any, error: type[Exception], words: str, call: str) -> None:
    model = make()
    with pytest.raises(error) as caught:
        getattr(model, call)(X, y, verbose=0)
    assert words in str(caught.value)
    assert not model.built


@pytest.mark.parametrize(
    ("head", "units", "loss", "words"),
    [
        (
            "linear",
            3,
            S.CategoricalCrossentropy(),
            'from_logits=True in the loss or activation="softmax"',
        ),
        ("linear", 3, S.SparseCategoricalCrossentropy(), "from_logits=True"),
        ("relu", 3, S.SparseCategoricalCrossentropy(), "from_logits=True"),
        ("sigmoid", 3, S.CategoricalCrossentropy(), 'activation="softmax"'),
        (
            "linear",
            1,
            S.BinaryCrossentropy(),
            'from_logits=True in the loss or activation="sigmoid"',
        ),
        ("tanh", 1, S.BinaryCrossentropy(), "expects probabilities, but the model ends in tanh"),
        ("softmax", 2, S.BinaryCrossentropy(), "softmax of 2 outputs"),
        ("softmax", 1, S.BinaryCrossentropy(), "softmax of 1 outputs"),
        ("softmax", 3, S.CategoricalCrossentropy(from_logits=True), "drop that activation"),
        ("softmax", 3, S.SparseCategoricalCrossentropy(from_logits=True), "from_logits=False"),
        ("sigmoid", 1, S.BinaryCrossentropy(from_logits=True), "ends in sigmoid"),
        ("softmax", 1, S.CategoricalCrossentropy(), "at least 2"),
        ("linear", 1, S.SparseCategoricalCrossentropy(from_logits=True), "BinaryCrossentropy"),
    ],
)
def test_losses_that_do_not_suit_the_head(head: str, units: int, loss: Any, words: str) -> None:
    built = md.Model([D(units, head)], seed=0, input_shape=(3,))
    with pytest.raises(ValueError) as caught:
        built.compile("sgd", loss)
    assert words in str(caught.value)
    with pytest.raises(ValueError) as caught:
        lazy = md.Model([D(units), md.layers.Activation(head)], seed=0)
        lazy.compile("sgd", loss)
        lazy.fit(X, np.zeros(6), verbose=0)
    assert words in str(caught.value)


def test_an_activation_layer_is_the_head_too() -> None:
    model = md.Model([D(3), md.layers.Activation("softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, LABELS, verbose=0)


def test_dense_on_several_positions_regresses() -> None:
    model = regression(2)
    x = np.random.default_rng(0).normal(size=(6, 4, 3))
    model.fit(x, np.zeros((6, 4, 2)), verbose=0)
    assert model.predict(x).shape == (6, 4, 2)


# ---- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sample_weight": np.ones(5)}, ValueError, "sample_weight must have shape (6,); got (5,)"),
        ({"sample_weight": np.ones((6, 2))}, ValueError, "sample_weight must have shape"),
        ({"sample_weight": -1.0}, ValueError, "not negative; got -1.0 at sample 0"),
        ({"sample_weight": [1, 1, -1, 1, 1, 1]}, ValueError, "not negative; got -1.0 at sample 2"),
        ({"sample_weight": [1, np.nan, 1, 1, 1, 1]}, ValueError, "got nan at sample 1"),
        ({"sample_weight": ["a"] * 6}, TypeError, "sample_weight must hold real numbers"),
        (
            {"class_weight": {3: 1.0}},
            ValueError,
            "class_weight names class 3; the classes are 0 to 2",
        ),
        ({"class_weight": {-1: 1.0}}, ValueError, "names class -1"),
        ({"class_weight": {0: -1.0}}, ValueError, "class_weight[0]"),
        ({"class_weight": {0: np.nan}}, ValueError, "class_weight[0]"),
        ({"class_weight": {"a": 1.0}}, TypeError, "a class of class_weight"),
        ({"class_weight": "balanced"}, TypeError, "sklearn.utils.class_weight.compute_class_weig"),
        ({"class_weight": [1.0, 2.0]}, TypeError, "class_weight must be a dict"),
    ],
)
def test_bad_weights(options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        SPARSE().fit(X, LABELS, verbose=0, **options)
    assert words in str(caught.value)


def test_class_weight_needs_classes() -> None:
    with pytest.raises(ValueError, match="class_weight needs"):
        regression().fit(X, LABELS, class_weight={0: 1.0}, verbose=0)


def test_class_weights_are_sample_weights() -> None:
    by_class = np.array([1.0, 0.5, 3.0])[LABELS]
    own = np.arange(1.0, 7.0)
    pairs = [
        (SPARSE, LABELS, {1: 0.5, 2: 3.0}, by_class),
        (DENSE, ONE_HOT, {0: 1.0, 1: 0.5, 2: 3.0}, by_class),
        (BINARY, LABELS % 2, {0: 2.0, 1: 0.25}, np.where(LABELS % 2, 0.25, 2.0)),
    ]
    for make, y, weights, equal in pairs:
        one = make().fit(X, y, class_weight=weights, sample_weight=own, epochs=2, verbose=0)
        two = make().fit(X, y, sample_weight=equal * own, epochs=2, verbose=0)
        assert one.history == two.history


def test_a_weight_of_zero_takes_a_sample_out() -> None:
    weight = np.array([1, 1, 1, 0, 0, 1.0])
    keep = weight > 0
    whole, part = regression(), regression()
    whole.fit(X, LABELS, "full", sample_weight=weight, epochs=3, verbose=0, shuffle=False)
    part.fit(X[keep], LABELS[keep], "full", epochs=3, verbose=0, shuffle=False)
    np.testing.assert_allclose(whole.get_weights()[0], part.get_weights()[0], rtol=1e-5)
    assert regression().evaluate(X, LABELS, sample_weight=np.zeros(6), verbose=0) == 0.0


# ---- other arguments of fit ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be >= 1; got 0"),
        ({"batch_size": -4}, ValueError, "batch_size"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be an integer; got 2.0 (float)"),
        ({"batch_size": True}, TypeError, "batch_size"),
        ({"batch_size": "all"}, ValueError, '"full"'),
        ({"epochs": 0}, ValueError, "epochs must be >= 1"),
        ({"epochs": 1.5}, TypeError, "epochs"),
        ({"epochs": True}, TypeError, "epochs"),
        ({"initial_epoch": -1}, ValueError, "initial_epoch"),
        ({"verbose": 3}, ValueError, "verbose"),
        ({"verbose": "loud"}, ValueError, "verbose"),
        ({"shuffle": "batch"}, TypeError, "shuffle"),
        ({"validation_split": 1.0}, ValueError, "validation_split"),
        ({"validation_split": -0.1}, ValueError, "validation_split"),
        ({"validation_split": 0.99}, ValueError, "leaves one part empty"),
        ({"validation_split": np.nan}, ValueError, "validation_split"),
        ({"validation_data": X}, TypeError, "validation_data must be (x, y)"),
        ({"validation_data": (X,)}, TypeError, "tuple of 1"),
        ({"validation_data": (X[:, :2], LABELS)}, ValueError, "validation_data[0] must have shape"),
        ({"validation_data": (X, LABELS[:2])}, ValueError, "validation_data[1] has 2"),
        ({"validation_data": (X, LABELS, [1])}, ValueError, "validation_data[2] must have shape"),
        ({"validation_freq": 0}, ValueError, "validation_freq"),
        ({"validation_batch_size": 0}, ValueError, "validation_batch_size"),
        ({"stop_loss": np.nan}, ValueError, "stop_loss"),
        ({"stop_loss": "low"}, TypeError, "stop_loss"),
        ({"steps_per_epoch": "all"}, TypeError, "steps_per_epoch"),
        ({"validation_split": 0.5, "validation_steps": 0}, ValueError, "validation_steps"),
        ({"callbacks": 3}, TypeError, "callbacks"),
        ({"callbacks": [md.Callback]}, TypeError, "make an instance"),
        ({"callbacks": [print]}, TypeError, "callbacks"),
        ({"epoch": 3}, TypeError, "did you mean 'epochs'"),
        ({"nb_epoch": 3}, TypeError, "did you mean 'epochs'"),
        ({"batchsize": 3}, TypeError, "did you mean 'batch_size'"),
    ],
)
def test_bad_arguments_of_fit(options: Any, error: type[Exception], words: str) -> None:
    model = regression()
    with pytest.raises(error) as caught:
        model.fit(X, LABELS, **({"verbose": 0} | options))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "units", "y", "metric"),
    [
        ("mse", 3, ONE_HOT, "sparse_categorical_accuracy"),
        (S.SparseCategoricalCrossentropy(True), 3, LABELS, "categorical_accuracy"),
        (S.SparseCategoricalCrossentropy(True), 3, LABELS, "binary_accuracy"),
    ],
)
def test_metrics_that_do_not_suit_the_targets(loss: Any, units: int, y: Any, metric: str) -> None:
    model = compiled("linear", units, loss, [metric])
    with pytest.raises(ValueError, match=f"{metric} does not suit"):
        model.fit(X, y, verbose=0)
