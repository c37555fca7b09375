"""A model of any kind comes back from its bytes as it was."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mundur.saving import format as files  # a copy through bytes

from cases import NAMED

D = md.layers.Dense


@st.composite
def models(draw: Any) -> md.Model:
    names = st.one_of(st.none(), st.text("abc é", min_size=1, max_size=3))
    activations = st.sampled_from(NAMED)
    initializers = st.sampled_from(["zeros", "he_normal", md.initializers.Constant(0.5)])
    kinds = [
        st.builds(
            D,
            st.integers(1, 5),
            activations,
            st.booleans(),
            initializers,
            initializers,
            name=names,
            trainable=st.booleans(),
        ),
        st.builds(md.layers.Activation, activations, name=names),
        st.builds(md.layers.Dropout, st.floats(0, 0.9), seed=st.integers(0, 2**63 - 1)),
        st.builds(md.layers.Rescaling, st.floats(-2, 2), st.floats(-2, 2), name=names),
        st.builds(md.layers.Flatten),
        st.builds(md.layers.ReLU, st.floats(0, 9), st.floats(0, 2), st.floats(0, 2), name=names),
        st.builds(md.layers.LeakyReLU, st.floats(0, 2)),
        st.builds(md.layers.ELU, st.floats(-2, 2)),
    ]
    layers = draw(st.lists(st.one_of(kinds), min_size=1, max_size=5, unique_by=lambda x: id(x)))
    given = [layer._given_name for layer in layers if layer._given_name]
    assume(len(set(given)) == len(given))
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    return md.Model(layers, input_shape=shape, seed=draw(st.integers(0, 9)), dtype=dtype)


@given(models())
@settings(max_examples=100, deadline=None)
def test_any_model_comes_back(model: md.Model) -> None:
    other = files.from_bytes(files.to_bytes(model))
    assert repr(other) == repr(model)
    x = np.linspace(-1, 1, 2 * int(np.prod(model.input_shape)))
    x = x.reshape(2, *model.input_shape)
    assert np.array_equal(model.predict(x), other.predict(x), equal_nan=True)
    assert np.array_equal(model.forward(x, True), other.forward(x, True), equal_nan=True)
    assert other.trainable_parameters == model.trainable_parameters
