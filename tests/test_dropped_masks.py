"""A layer that can't use the mask of time steps drops it, and the model says so once."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import mundur as md
import pytest

L = md.layers


def built(*layers: Any) -> md.Model:
    return md.Model([L.Masking(), *layers], input_shape=(4, 3), seed=0)


def test_one_warning_names_the_layer_that_drops_it() -> None:
    with pytest.warns(UserWarning, match="first.*drops the mask") as caught:
        built(L.Dense(2, "tanh"), L.Flatten(name="first"), L.Flatten(name="second")).build()
    assert len(caught) == 1


def test_a_chain_within_a_layer_drops_it_too() -> None:
    with pytest.warns(UserWarning, match="residual.*drops the mask"):
        md.Model(
            [L.Masking(), L.Residual([L.Activation("relu"), L.Flatten()])],
            input_shape=(4,),
            seed=0,
        ).build()


def test_no_mask_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built(L.Dense(2), L.Dropout(0.1), L.Residual([L.Dense(2)])).build()
        model = md.Model([L.Flatten()], input_shape=(4, 3), seed=0)
        pickle.loads(pickle.dumps(model))
