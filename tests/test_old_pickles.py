"""Pickles made when the package was one folder of modules name those modules, and still load."""

from __future__ import annotations

import pickle

import mundur as md
import numpy as np
import pytest

# (what a pickle named, what it is now), one name of each module.
NAMES = [
    ("activation_layers ELU", md.layers.ELU),
    ("activity_regularization ActivityRegularization", md.layers.ActivityRegularization),
    ("adams Adam", md.optimizers.Adam),
    ("bidirectional Bidirectional", md.layers.Bidirectional),
    ("callback Callback", md.Callback),
    ("callbacks CSVLogger", md.callbacks.CSVLogger),
    ("classification_metrics AUC", md.metrics.AUC),
    ("convolution Conv1D", md.layers.Conv1D),
    ("cosine_decays CosineDecay", md.schedules.CosineDecay),
    ("custom_activation Custom", md.activations.Custom),
    ("embedding Embedding", md.layers.Embedding),
    ("focal_losses BinaryFocalCrossentropy", md.losses.BinaryFocalCrossentropy),
    ("gradient_norms GradientNorms", md.callbacks.GradientNorms),
    ("gru GRU", md.layers.GRU),
    ("history History", md.History),
    ("initializer Initializer", md.Initializer),
    ("initializers Orthogonal", md.initializers.Orthogonal),
    ("layer Layer", md.Layer),
    ("layers Dense", md.layers.Dense),
    ("loss Loss", md.Loss),
    ("losses Hinge", md.losses.Hinge),
    ("lstm LSTM", md.layers.LSTM),
    ("masking Masking", md.layers.Masking),
    ("metric Metric", md.Metric),
    ("metrics Accuracy", md.metrics.Accuracy),
    ("monitors EarlyStopping", md.callbacks.EarlyStopping),
    ("noise AlphaDropout", md.layers.AlphaDropout),
    ("normalization BatchNormalization", md.layers.BatchNormalization),
    ("optimizers SGD", md.optimizers.SGD),
    ("pooling MaxPooling1D", md.layers.MaxPooling1D),
    ("regression_losses Huber", md.losses.Huber),
    ("regression_metrics R2Score", md.metrics.R2Score),
    ("reshaping Reshape", md.layers.Reshape),
    ("residual Residual", md.layers.Residual),
    ("schedule LearningRateSchedule", md.schedules.LearningRateSchedule),
    ("schedules WarmUp", md.schedules.WarmUp),
    ("simple_rnn SimpleRNN", md.layers.SimpleRNN),
    ("time_distributed TimeDistributed", md.layers.TimeDistributed),
    ("variance_scaling HeNormal", md.initializers.HeNormal),
]


def named(name: str) -> object:
    """What a pickle that holds nothing but a name loads as."""
    module, _, attribute = name.partition(" ")
    return pickle.loads(f"cmundur.{module}\n{attribute}\n.".encode())


@pytest.mark.parametrize(("name", "thing"), NAMES, ids=[name for name, _ in NAMES])
def test_what_old_pickles_name_is_found(name: str, thing: object) -> None:
    assert named(name) is thing


RESULTS = [
    *("explain Explanation", "explain LayerPass", "views Views", "learning_rates LearningRates"),
    *("checks GradientCheck", "checks CheckedParameter", "checks Verification"),
]


@pytest.mark.parametrize("name", RESULTS)
def test_what_a_model_has_shown_of_itself_is_found(name: str) -> None:
    assert getattr(named(name), "__name__", None) == name.partition(" ")[2]


def test_an_old_pickle_of_a_layer_is_rebuilt_from_its_arguments() -> None:
    # rebuild(Dense, {"units": 3}), in pickle's first protocol
    old = b"cmundur.configurable\nrebuild\n(cmundur.layers\nDense\n(dS'units'\nI3\nstR."
    assert repr(pickle.loads(old)) == "Dense(3)"


def test_an_old_pickle_of_an_optimizer_is_restored_with_its_state() -> None:
    optimizer = md.optimizers.Adam(0.1)
    model = md.Model([md.layers.Dense(1)], input_shape=(2,), seed=0)
    model.gradients["dense/bias"] = [1.0]
    optimizer.step(model)
    restore = named("optimizer _restore")
    new = restore(*optimizer.__reduce__()[1])  # type: ignore[operator]
    assert (repr(new), new.iterations) == ("Adam(learning_rate=0.1)", 1)


def test_an_old_pickle_of_a_model_is_read_from_its_bytes() -> None:
    model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
    from_bytes = named("serialization from_bytes")
    again = from_bytes(*model.__reduce__()[1])  # type: ignore[operator]
    assert repr(again) == repr(model)
    assert np.array_equal(again.get_weights()[0], model.get_weights()[0])


def test_a_module_that_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"mundur\.nowhere"):
        named("nowhere Dense")
    with pytest.raises(AttributeError, match="Nothing"):
        named("lstm Nothing")
