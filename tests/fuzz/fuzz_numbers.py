"""Laws of values: the textbook's numbers, and central differences."""

from __future__ import annotations

import warnings
from dataclasses import replace

import mundur as md
import numpy as np
from mundur import reference

from fuzz_build import Broken, Refused, built, data_of, fitted, made
from fuzz_case import PYTHON_LOSS, Case

RANDOM = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout"),
    *("GaussianNoise", "GaussianDropout"),
    *("RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomCrop"),
    "RandomContrast",
)


def shake(case: Case, model: md.Model) -> None:
    """Moves parameters away from where they begin: at a 0 some functions have corners."""
    rng = np.random.default_rng(case.seed)
    for view in model.parameters.values():
        view += rng.normal(size=view.shape) / 8


def textbook(case: Case) -> None:
    """A few steps in float64 are the textbook's."""
    rows = min(case.samples, 6)
    weights = "zeros" if case.weights == "nan" else case.weights
    case = replace(case, dtype="float64", samples=rows, batch_size=4, epochs=2, shuffle=False)
    case = replace(case, metrics=(), class_weight=False, weights=weights, features="float64")
    case = replace(case, optimizer=("SGD", {"learning_rate": 0.02, "momentum": 0.5}), augment=False)
    native = built(case)
    if native.count_params() > 600 or native.masks_output or case.loss == PYTHON_LOSS:
        return
    if case.loss[1].get("reduction") or case.holds(
        *RANDOM, "dropout", "recurrent_dropout", "trainable", "sin"
    ):
        return
    data = data_of(case, native.output_shape)
    taught = reference.Model([made(p, reference) for p in case.layers], input_shape=case.shape)
    shake(case, native)
    taught.set_parameters({name: value.tolist() for name, value in native.parameters.items()})
    for name in set(native.parameters) - set(native.trainable_parameters):
        taught.freeze(name)
    taught.compile(made(case.optimizer, reference), made(case.loss, reference))
    weights = None if data.weights is None else data.weights.tolist()
    try:
        run = fitted(case, data, native)
    except (ValueError, TypeError) as error:
        raise Refused(str(error)) from None
    largest = max((np.abs(w).max() for w in native.get_weights()), default=0)
    if run.end != "epochs" or largest > 1e3 or max(run.logs["loss"]) > 1e3:
        return
    x = data.x.astype(int if case.ids else float)
    logs = taught.fit(x.tolist(), data.y.tolist(), 4, 2, shuffle=False, sample_weight=weights)
    pairs = {"loss": (run.logs["loss"], logs["loss"])}
    for found, expected in ((native.parameters, taught.parameters), (native.state, taught.state)):
        pairs |= {name: (found[name], value) for name, value in expected.items()}
    for name, (got, wanted) in pairs.items():
        off = np.abs(np.asarray(got) - np.asarray(wanted)).max(initial=0.0)
        if not off <= 1e-9 * max(1.0, np.abs(np.asarray(wanted)).max(initial=0.0)):
            raise Broken(f"{name} is off the textbook's by {off:.2e}")


def slopes(case: Case) -> None:
    """Backward's gradients are those of central differences, and one pass the textbook's."""
    case = replace(
        case, dtype="float64", samples=min(case.samples, 6), weights="none", features="float64"
    )
    model = built(case)
    if case.loss == PYTHON_LOSS or model.count_params() > 2000:
        return
    data = data_of(case, model.output_shape)
    shake(case, model)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of dropped masks, once more
        check = model.check_gradients(data.x, data.y, training=True, elements=6, tolerance=1e-4)
        if not check:
            raise Broken(str(check))
        if model.count_params() > 600 or case.holds("sin"):
            return
        try:
            verified = model.verify(data.x, data.y)
        except ValueError as error:
            if "knows no" in str(error) or "has no" in str(error):
                return
            raise
        # Behind a normalisation a gradient may be 0 but for rounding, which has no relative error.
        assert model.loss is not None
        model.backward(model.loss.gradient(data.y, model.forward(data.x)))
        noise = {name for name, g in model.gradients.items() if np.abs(g).max() < 1e-12}
        if any(
            off > verified.tolerance for n, off in verified.differences.items() if n not in noise
        ):
            raise Broken(str(verified))
