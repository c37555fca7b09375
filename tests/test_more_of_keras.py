"""What scripts for Keras ask for: optimizers by dict, callbacks, layers in front of models."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

L = md.layers
X = np.linspace(-1, 1, 64).reshape(32, 2)
Y = X[:, :1] - 2 * X[:, 1:]


def line(optimizer: Any = "sgd", **options: Any) -> md.Model:
    model = md.Model([L.Dense(1)], seed=1, **options)
    model.compile(optimizer, "mse")
    return model


# ---- values that are harmless, and errors of either kind ----------------------------------------


def test_harmless_values_are_taken() -> None:
    layers = [
        L.LSTM(3, unroll=True, use_cudnn=False, implementation=1, dtype="float32"),
        L.Dense(2, dtype="float32", autocast=False),
        L.Flatten(data_format="channels_last"),
    ]
    model = md.Model(layers, input_shape=(4, 2), seed=0)
    loss = md.losses.MeanSquaredError(dtype="float32")
    metrics = [md.metrics.Precision(dtype="float64"), md.metrics.Mean(dtype=None)]
    assert metrics[0].name == "precision"
    model.compile("sgd", loss, jit_compile=True, run_eagerly=True, steps_per_execution=4)
    for make, words in (
        (lambda: L.LSTM(3, unroll=2), "unroll must be False or True; got 2"),
        (lambda: L.Flatten(data_format="channels_first"), r"Permute\(\(2, 3, 1\)\) turns"),
        (lambda: md.metrics.Mean(dtype="int8"), 'dtype must be "float32" or "float64"'),
        (lambda: model.compile("sgd", "mse", jit_compile=3), "jit_compile must be"),
    ):
        with pytest.raises(ValueError, match=words):
            make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.Dense(2.5),
        lambda: L.Dense("10"),
        lambda: L.Dropout("half"),
        lambda: L.Dense(2, activation=3),
        lambda: md.optimizers.get(3),
        lambda: md.losses.get(3),
        lambda: md.metrics.get(3),
        lambda: md.initializers.get(object()),
        lambda: L.Dense(2, unknown=1),
        lambda: md.utils.to_categorical("abc"),
    ],
)
def test_wrong_types_are_errors_of_either_kind(make: Any) -> None:
    for kind in (TypeError, ValueError):
        with pytest.raises(kind):
            make()


# ---- optimizers ---------------------------------------------------------------------------------


def test_optimizers_of_dicts_and_their_names() -> None:
    optimizer = md.optimizers.get(
        {"class_name": "Adam", "config": {"name": "mine", "learning_rate": 0.5, "beta_1": 0.8}}
    )
    assert optimizer.name == "mine" and optimizer.learning_rate == 0.5
    assert md.optimizers.RMSprop().name == "rmsprop"
    assert md.optimizers.get({"class_name": "sgd"}).learning_rate == 0.01
    assert isinstance(md.losses.get({"class_name": "Huber", "config": {"delta": 2.0}}), md.Loss)
    assert md.metrics.get({"class_name": "AUC", "config": {"name": "area"}}).name == "area"
    first = {"class_name": "RandomNormal", "config": {"stddev": 0.5}}
    dense = md.layers.Dense(1, kernel_initializer=first)
    assert repr(dense.kernel_initializer) == "RandomNormal(stddev=0.5)"
    for get in (md.optimizers.get, md.losses.get, md.metrics.get, md.initializers.get):
        with pytest.raises(TypeError, match=r'as a dict is \{"class_name"'):
            get({"name": "adam"})
        with pytest.raises(ValueError, match="unknown"):
            get({"class_name": "Nothing"})


def test_weights_of_optimizers_make_training_go_on() -> None:
    one, two = (line(md.optimizers.Adam(0.1)) for _ in "ab")
    one.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    two.build((2,))
    two.set_weights(one.get_weights())
    two.optimizer.set_weights(one.optimizer.get_weights())
    for model in (one, two):
        model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert np.array_equal(one.get_weights()[0], two.get_weights()[0])
    assert two.optimizer.iterations == 4
    with pytest.raises(ValueError, match=r"weights must be .* numbers and 2 vectors"):
        two.optimizer.set_weights([np.zeros(3)])


def test_rates_that_are_asked_for_at_each_step(tmp_path: Path) -> None:
    asked: list[int] = []

    def rate() -> float:
        asked.append(1)
        return 0.1 if len(asked) < 4 else 0.0

    model, plain = line(md.optimizers.SGD(rate)), line(md.optimizers.SGD(0.1))
    before = len(asked)
    model.fit(X, Y, 8, shuffle=False, verbose=0)
    assert len(asked) >= before + 4
    assert md.optimizers.SGD(rate).get_config()["learning_rate"] is rate
    with pytest.raises(ValueError, match="what learning_rate returns must be"):
        md.optimizers.SGD(lambda: -1.0)
    assert md.schedules.ExponentialDecay(0.1, 10, 0.5)(5.0) == pytest.approx(0.1 * 0.5**0.5)
    assert md.schedules.ExponentialDecay(0.1, 10, 0.5)(2.5) == pytest.approx(0.1 * 0.5**0.25)
    assert plain.optimizer.learning_rate == 0.1


# ---- callbacks ----------------------------------------------------------------------------------


class Break(md.Callback):
    """A crash within an epoch."""

    def __init__(self, at: int) -> None:
        self.at = at

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.at -= 1
        if self.at == 0:
            raise OSError("power")


@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_a_training_that_was_broken_off_goes_on(save_freq: Any, tmp_path: Path) -> None:
    def model() -> md.Model:
        return line(md.optimizers.Adam(0.01))

    def backup(**options: Any) -> md.callbacks.BackupAndRestore:
        return md.callbacks.BackupAndRestore(tmp_path / "b{1}", save_freq, **options)

    whole = model()
    whole.fit(X, Y, 8, 5, verbose=0)
    with pytest.raises(OSError, match="power"):
        model().fit(X, Y, 8, 5, verbose=0, callbacks=[backup(), Break(11)])
    assert backup().found
    last = model()
    history = last.fit(X, Y, 8, 5, verbose=0, callbacks=[backup()])
    assert history.epoch == [2, 3, 4]
    assert np.array_equal(last.get_weights()[0], whole.get_weights()[0])
    assert backup().found is None  # it is done
    model().fit(X, Y, 8, 1, verbose=0, callbacks=[backup(delete_checkpoint=False)])
    assert backup().found
    other = md.Model([L.Dense(1), L.Dense(1)], seed=1)
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="the model's layers must be that of the file"):
        other.fit(X, Y, verbose=0, callbacks=[backup()])


def test_the_mean_of_the_parameters_is_what_is_evaluated() -> None:
    seen: list[Any] = []

    class Look(md.Callback):
        def on_test_begin(self, logs: Any = None) -> None:
            seen.append(self.model.get_weights()[0].copy())

    optimizers = [md.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5) for _ in "ab"]
    one, two = map(line, optimizers)
    swap = md.callbacks.SwapEMAWeights()
    options: Any = {"epochs": 3, "shuffle": False, "verbose": 0, "validation_data": (X, Y)}
    history = one.fit(X, Y, 8, callbacks=[swap, Look()], **options).history
    two.fit(X, Y, 8, **options)
    assert np.array_equal(one.get_weights()[0], two.get_weights()[0])  # nothing was changed
    assert history["val_loss"][-1] == two.evaluate(X, Y, verbose=0)  # fit ends with the mean
    assert np.array_equal(seen[-1], two.get_weights()[0])
    whole = line(md.optimizers.SGD(0.1, use_ema=True))
    whole.fit(X, Y, epochs=2, verbose=0, callbacks=[md.callbacks.SwapEMAWeights(True)])
    with pytest.raises(ValueError, match="needs an optimizer with use_ema=True"):
        line().fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[swap])


def test_the_end_of_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    calls = [md.callbacks.TerminateOnNaN(), md.callbacks.CSVLogger(path)]
    wide = np.concatenate([X, X, X])
    options: Any = {"epochs": 9, "verbose": 0, "validation_data": (X, Y), "validation_freq": 2}
    y = np.concatenate([Y] * 3)
    line(md.optimizers.SGD(1e12)).fit(wide, y, 8, callbacks=calls, **options)
    rows = path.read_text().split()
    assert rows[0] == "epoch,loss,val_loss" and len(rows) == 2
    assert not math.isfinite(float(rows[1].split(",")[1])) and rows[1].endswith(",NA")
    raising = [md.callbacks.TerminateOnNaN(raise_error=True)]
    with pytest.raises(RuntimeError, match="was not finite"):
        line(md.optimizers.SGD(1e12)).fit(wide, y, 8, callbacks=raising, **options)


def test_numbers_for_tensorboard(tmp_path: Path) -> None:
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = md.callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=2)
    options: Any = {"epochs": 3, "verbose": 0, "validation_data": (X, Y)}
    history = line().fit(X, Y, 8, callbacks=[board], **options).history
    found = {}
    for where in ("train", "validation"):
        events = loader.EventAccumulator(str(tmp_path / where))
        events.Reload()
        found[where] = events
    losses = [event.value for event in found["train"].Scalars("epoch_loss")]
    assert losses == pytest.approx(history["loss"], rel=1e-6)
    losses = [event.value for event in found["validation"].Scalars("epoch_loss")]
    assert losses == pytest.approx(history["val_loss"], rel=1e-6)
    assert [e.step for e in found["train"].Scalars("batch_loss")] == [2, 4, 6, 8, 10, 12]
    assert len(found["train"].Histograms("dense/kernel/histogram")) == 3


# ---- layers -------------------------------------------------------------------------------------


def test_normalization_learns_its_numbers_from_data(tmp_path: Path, rng: Any) -> None:
    x = rng.normal(size=(50, 3)) * [1, 10, 0] + [5, -3, 2]
    layer = L.Normalization()
    with pytest.raises(ValueError, match="has no mean and variance yet; call adapt"):
        md.Model([L.Normalization()], input_shape=(3,), seed=0)
    layer.adapt(x)
    assert np.allclose(layer.mean, x.mean(axis=0)) and np.allclose(layer.variance, x.var(axis=0))
    model = md.Model([layer, L.Dense(1)], input_shape=(3,), seed=0, dtype="float64")
    expected = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-7)
    inner = md.Model([L.Normalization(mean=layer.mean, variance=layer.variance)], dtype="float64")
    assert np.allclose(inner.predict(x), expected) and np.allclose(layer(x), expected)
    back = L.Normalization(mean=layer.mean, variance=layer.variance, invert=True)
    assert np.allclose(back(expected[:, :2] * 0 if False else expected), x)
    model.compile("sgd", "mse")
    model.fit(x, x[:, 0], verbose=0)
    assert np.array_equal(model.state["normalization/mean"], layer.mean)  # never trained
    model.save(tmp_path / "m.safetensors")
    assert np.array_equal(md.load_model(tmp_path / "m.safetensors").predict(x), model.predict(x))
    layer.adapt(x + 1)  # a model that is built has it at once
    assert np.allclose(model.state["normalization/mean"], x.mean(axis=0) + 1)
    parts = L.Normalization()
    parts.adapt(iter([x[:7], x[7:30], x[30:]]))
    whole = L.Normalization()
    whole.adapt(x)
    assert np.allclose(parts.variance, whole.variance, rtol=1e-12, atol=1e-12)
    one = L.Normalization(axis=None)
    one.adapt(x)
    assert one.mean.shape == (1,) and np.allclose(one.variance, x.var())
    with pytest.raises(ValueError, match="mean and variance come together"):
        L.Normalization(mean=1.0)
    with pytest.raises(ValueError, match=r"have 3 columns; samples of shape .2,. have 2"):
        md.Model([whole], input_shape=(2,), seed=0)


@pytest.mark.parametrize("shape", [(None, 1, 5), (None, 4, 1), (None, None, 1), (None, 1, 1)])
def test_what_dropout_drops_together(shape: Any) -> None:
    model = md.Model([L.Dropout(0.5, noise_shape=shape)], input_shape=(4, 5), seed=2)
    y = model.forward(np.ones((30, 4, 5)), training=True)
    assert set(np.unique(y)) == {0.0, 2.0}
    for axis in (1, 2):
        same = (y == y.take([0], axis=axis)).all()
        assert same == (shape[axis] == 1)
    assert np.array_equal(model.backward(np.ones((30, 4, 5))), y)
    assert not (y == y[:1]).all()
    with pytest.raises(ValueError, match="noise_shape must begin with None"):
        L.Dropout(0.5, noise_shape=(1, 4))
    with pytest.raises(ValueError, match="1, None or the extent for each axis"):
        md.Model([L.Dropout(0.5, noise_shape=(None, 3))], input_shape=(4,), seed=0)


def test_upsampling_and_cropping_undo_each_other(rng: Any) -> None:
    x = rng.normal(size=(3, 5, 2))
    padded = md.Model([L.ZeroPadding1D((2, 1)), L.Cropping1D((2, 1))], seed=0, dtype="float64")
    assert np.array_equal(padded.predict(x), x)
    many = md.Model([L.UpSampling1D(3), L.AveragePooling1D(3)], seed=0, dtype="float64")
    assert np.allclose(many.predict(x), x, rtol=1e-15)
    with pytest.raises(ValueError, match="leaves nothing of 3 steps"):
        md.Model([L.Cropping1D(2)], input_shape=(3, 1), seed=0)


@pytest.mark.parametrize(("size", "strides", "dilation"), [(3, 1, 1), (4, 2, 1), (3, 1, 2)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_transposed_convolution_is_the_other_side_of_one(
    size: int, strides: int, dilation: int, padding: str, rng: Any
) -> None:
    """⟨conv(x), y⟩ = ⟨x, transposed(y)⟩."""
    options: Any = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    options["use_bias"] = False
    steps = 12
    one = md.Model([L.Conv1D(3, size, **options)], input_shape=(steps, 2), seed=0, dtype="float64")
    y = rng.normal(size=(4, *one.output_shape))
    two = md.Model([L.Conv1DTranspose(2, size, **options)], seed=0, dtype="float64")
    two.build(y.shape[1:])
    two.set_weights(one.get_weights())
    assert two.output_shape == (steps, 2)
    x = rng.normal(size=(4, steps, 2))
    assert (one.predict(x) * y).sum() == pytest.approx((x * two.predict(y)).sum(), rel=1e-12)
    with pytest.raises(ValueError, match="output_padding must be None"):
        L.Conv1DTranspose(2, 2, 2, output_padding=1)


# ---- in front of models -------------------------------------------------------------------------


def test_texts_become_numbers() -> None:
    texts = ["The cat, the dog.", "A bird", "the end"]
    layer = L.TextVectorization(max_tokens=5, output_sequence_length=5)
    layer.adapt(texts)
    assert layer.get_vocabulary() == ["", "[UNK]", "the", "end", "dog"]
    assert layer(texts).tolist() == [[2, 1, 2, 4, 0], [1, 1, 0, 0, 0], [2, 3, 0, 0, 0]]
    assert layer("the END").tolist() == [2, 3, 0, 0, 0]
    assert layer.vocabulary_size() == 5
    counts = L.TextVectorization(output_mode="count", vocabulary=["the", "end"])
    assert counts(["the the x", ""]).tolist() == [[1, 2, 0], [0, 0, 0]]
    pairs = L.TextVectorization(ngrams=2, split="character", standardize=None)
    pairs.adapt(["ab"])
    assert set(pairs.get_vocabulary()[2:]) == {"a", "b", "a b"}
    weighed = L.TextVectorization(output_mode="tf_idf")
    weighed.adapt(texts)
    assert weighed(["the"])[0, 1] == pytest.approx(math.log(1 + 3 / 3))
    again = L.TextVectorization.from_config(layer.get_config())
    assert np.array_equal(again(texts), layer(texts))
    json.dumps(layer.get_config())
    with pytest.raises(ValueError, match="has no vocabulary yet; call adapt"):
        L.TextVectorization()("text")
    with pytest.raises(TypeError, match="takes texts; got 3"):
        layer([3])
    with pytest.raises(TypeError, match=r"stands in front of a model, not in it: x = text_vect"):
        md.Model([L.TextVectorization(), L.Dense(1)])


def test_lookups_and_categories() -> None:
    words = L.StringLookup(mask_token="")
    words.adapt(np.array([["b", "a"], ["b", ""]]))
    assert words.get_vocabulary() == ["", "[UNK]", "b", "a"]
    assert words([["a", "", "z"]]).tolist() == [[3, 0, 1]]
    back = L.StringLookup(vocabulary=words.get_vocabulary(), mask_token="", invert=True)
    assert back([[3, 2, 9]]).tolist() == [["a", "b", "[UNK]"]]
    many = L.StringLookup(vocabulary=["a"], num_oov_indices=3)
    assert set(many([str(i) for i in range(50)]).tolist()) == {0, 1, 2} and many(["a"]) == [3]
    rows = L.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot")
    assert rows([["a", "a"], ["z", "b"]]).tolist() == [[0, 1, 0], [1, 0, 1]]
    numbers = L.IntegerLookup(vocabulary=[10, 20], output_mode="one_hot")
    assert numbers([20, 5]).tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(ValueError, match="is not in the vocabulary, and num_oov_indices is 0"):
        L.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"])
    with pytest.raises(ValueError, match="vocabulary must hold each token once"):
        L.StringLookup(vocabulary=["a", "a"])
    counts = L.CategoryEncoding(3, "count")
    assert counts([[0, 0, 2]], count_weights=[[1, 2, 0.5]]).tolist() == [[3, 0, 0.5]]
    assert L.CategoryEncoding(3, "one_hot")([[1], [2]]).tolist() == [[0, 1, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match=r"whole numbers in \[0, 3\); got 3"):
        counts([3])
    bins = L.Discretization(num_bins=4)
    bins.adapt(np.arange(100.0))
    assert np.bincount(bins(np.arange(100.0))).tolist() == [25] * 4
    assert L.Discretization.from_config(bins.get_config())([50.0]) == bins([50.0])
    with pytest.raises(ValueError, match="give either bin_boundaries or num_bins"):
        L.Discretization()


# ---- names of Keras's for what is here ----------------------------------------------------------


def test_weights_are_live_and_know_their_names() -> None:
    model = line()
    assert model.weights == []  # before the input's shape is known
    model = md.Model(
        [L.Dense(3), L.BatchNormalization(), L.Dense(1, trainable=False)], input_shape=(2,), seed=0
    )
    paths = ["dense/kernel", "dense/bias", "batch_normalization/gamma", "batch_normalization/beta"]
    state = [f"batch_normalization/moving_{what}" for what in ("mean", "variance")]
    assert [w.path for w in model.trainable_weights] == paths
    assert {w.path for w in model.non_trainable_weights} == {
        *state,
        "dense_1/kernel",
        "dense_1/bias",
    }
    assert [w.shape for w in model.weights] == [w.shape for w in model.get_weights()]
    bias = model.layers[0].trainable_weights[1]
    assert (bias.name, bias.trainable) == ("bias", True)
    bias.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(model.get_weights()[1], [1, 2, 3])
    np.testing.assert_array_equal(bias.numpy(), [1, 2, 3])
    assert bias.numpy().base is not bias
    with pytest.raises(ValueError, match=r"dense/bias must have shape \(3,\); got \(2,\)"):
        bias.assign([1.0, 2.0])
    assert [w.path for w in model.layers[2].non_trainable_weights] == [
        "dense_1/kernel",
        "dense_1/bias",
    ]


def test_rates_can_be_asked_as_variables() -> None:
    model = line(md.optimizers.Adam(0.5))
    rate = model.optimizer.learning_rate
    assert (rate, rate.value, rate.numpy()) == (0.5, 0.5, np.float64(0.5))
    rate.assign(0.25)
    assert model.optimizer.learning_rate == 0.25
    assert json.dumps(model.optimizer.get_config()["learning_rate"]) == "0.25"
    with pytest.raises(ValueError, match="learning_rate"):
        rate.assign(-1.0)


def test_sessions_forget_seeds() -> None:
    def seeds() -> list[int]:
        return [md.Model([L.Dense(1)]).seed for _ in range(2)]

    md.utils.set_random_seed(3)
    first = seeds()
    md.utils.set_random_seed(3)
    assert seeds() == first
    md.utils.set_random_seed(3)
    md.backend.clear_session()
    assert seeds() != first
    assert (md.backend.floatx(), md.backend.epsilon()) == ("float32", 1e-7)
    with pytest.raises(AttributeError, match=r"mundur\.backend has no 'floatz'"):
        md.backend.floatz  # noqa: B018


def test_other_places_of_names() -> None:
    from mundur.preprocessing.sequence import pad_sequences

    assert pad_sequences is md.utils.pad_sequences
    assert md.preprocessing.sequence.pad_sequences is pad_sequences
    windows = md.utils.timeseries_dataset_from_array
    assert md.preprocessing.timeseries_dataset_from_array is windows


def test_windows_of_a_series() -> None:
    series = np.arange(20.0)
    data = md.utils.timeseries_dataset_from_array(
        series, series[6:], 3, sequence_stride=2, sampling_rate=2, batch_size=4
    )
    found = [data[i] for i in range(len(data))]
    x, y = (np.concatenate(parts) for parts in zip(*found, strict=True))
    starts = np.arange(0, 14, 2)
    np.testing.assert_array_equal(x, starts[:, None] + [0, 2, 4])
    np.testing.assert_array_equal(y, starts + 6)
    assert [len(part) for part, _ in found] == [4, 3]
    shuffled = md.utils.timeseries_dataset_from_array(series, None, 3, shuffle=True, seed=1)
    assert len(shuffled) == 1
    assert shuffled[0].tolist() != sorted(shuffled[0].tolist())
    assert sorted(shuffled[0].tolist()) == [[i, i + 1, i + 2] for i in range(18)]
    kept = md.utils.timeseries_dataset_from_array(series, None, 2, start_index=4, end_index=8)
    assert kept[0].tolist() == [[4, 5], [5, 6], [6, 7]]
    model = md.Model([L.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    scaled = md.utils.timeseries_dataset_from_array(series / 20, series[6:, None] / 20, 3)
    history = model.fit(scaled, epochs=3, verbose=0).history["loss"]
    assert history[2] < history[0]


def test_models_are_drawn_into_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    model = md.Model([L.Dense(1)], input_shape=(2,), seed=0)
    md.utils.plot_model(model, tmp_path / "model.svg", show_shapes=True)
    assert "dense" in (tmp_path / "model.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (md, "distribution", "on one machine"),
        (md, "mixed_precision", 'compute_dtype="bfloat16"'),
        (md.backend, "set_floatx", 'dtype="float64"'),
        (md.optimizers, "LossScaleOptimizer", "bfloat16"),
        (md.layers, "TFSMLayer", "no other library"),
    ],
)
def test_what_other_machines_need_is_told_of(module: Any, name: str, words: str) -> None:
    with pytest.raises(AttributeError, match=f"has no '{name}': .*{words}"):
        getattr(module, name)
