"""Numbers of Keras's layers, losses, metrics, optimizers, initializers and schedules, against ours.

Each test goes over what both libraries name alike, so what is added later is compared as well.
"""

from __future__ import annotations

import inspect
from typing import Any

import mundur as md
import numpy as np
import pytest

import keras_shared
from cases import LAYERS, LayerCase
from keras_differences import NUMBERS

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
]

# What Keras requires and has no default for, by name.
REQUIRED: dict[str, Any] = {
    "initial_learning_rate": 0.1,
    "decay_steps": 7,
    "decay_rate": 0.8,
    "boundaries": [3, 8],
    "values": [0.1, 0.05, 0.01],
    "first_decay_steps": 5,
    "threshold": 0.5,
    "rate": 0.3,
    "stddev": 0.5,
    "scale": 0.5,
    "activation": "tanh",
    "units": 3,
    "num_classes": 4,
    "k": 2,
    **dict.fromkeys(("precision", "recall", "sensitivity", "specificity"), 0.4),
    "fn": lambda y, p: ((y - p) ** 2).mean(-1),
}


def shared(module: str) -> list[Any]:
    pairs = keras_shared.shared_in(keras, module)
    return [pytest.param(pair, id=pair.name.rpartition(".")[2]) for pair in pairs]


def made(cls: Any, **given: Any) -> Any:
    """An instance of either library's class from the arguments that it requires."""
    parameters = inspect.signature(cls).parameters.values()
    names = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    required = {name: REQUIRED[name] for name in names if name in REQUIRED}
    return cls(**required | given)


def takes(cls: Any, argument: str) -> bool:
    return argument in inspect.signature(cls).parameters


def close(ours: Any, theirs: Any, tolerance: float = 2e-5, least: float = 1e-3) -> None:
    """Equal within a tolerance relative to the largest element, or to `least`."""
    theirs = keras.ops.convert_to_numpy(theirs)
    scale = max(float(np.abs(theirs).max(initial=0.0)), least)
    assert np.shape(ours) == theirs.shape
    np.testing.assert_allclose(np.asarray(ours) / scale, theirs / scale, rtol=0, atol=tolerance)


# ---- layers -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def contiguous_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyTorch does without oneDNN, it fails at Keras's transposed kernels of one filter."""
    conv2d = torch.nn.functional.conv2d

    def of_contiguous(x: Any, kernel: Any, *arguments: Any, **named: Any) -> Any:
        kernel = kernel.clone(memory_format=torch.contiguous_format)
        return conv2d(x, kernel, *arguments, **named)

    monkeypatch.setattr(torch.nn.functional, "conv2d", of_contiguous)


# What Keras has under no name, or with other numbers under it.
NAMELESS: dict[Any, Any] = {
    "gelu_tanh": lambda x: keras.activations.gelu(x, approximate=True),
    "l1_l2": keras.regularizers.L1L2(0.01, 0.01),
}

# A window longer than the sample, or padding that is uneven: on PyTorch, Keras fills the padding
# with copies of the last step and counts them, where its documentation has the mean over the steps
# that are there.
COUNTS_PADDING = {"AveragePooling1D_20_same_1_c2", "AveragePooling2D_(3, 2)_1_same_7x5x3"}
SHARED_LAYERS = [
    case
    for case in LAYERS
    if hasattr(keras.layers, case.layer)
    and case.id not in COUNTS_PADDING
    and case.layer != "RandomCrop"  # which leaves images as they are, outside of training
]


@pytest.mark.parametrize("case", SHARED_LAYERS, ids=lambda case: case.id)
def test_layers(case: LayerCase, rng: np.random.Generator) -> None:
    """Outputs and gradients from one set of weights, by the batch too unless that draws noise."""
    if case.layer == "LayerNormalization" and case.arguments.get("axis") == 1:
        pytest.skip("Keras on PyTorch normalises the last axes only")
    named = {key: NAMELESS.get(str(value), value) for key, value in case.arguments.items()}
    theirs = getattr(keras.layers, case.layer)(**named)
    layer = getattr(md.layers, case.layer)(**case.arguments)
    model = md.Model([layer], input_shape=case.shape, seed=0)
    theirs.build((None, *case.shape))
    mine = [rng.normal(size=w.shape).astype(np.float32) for w in layer.get_weights()]
    if case.layer == "Normalization":  # its numbers are arguments in Keras, not weights
        mine = []
    else:
        layer.set_weights(mine)
    theirs.set_weights([*mine, *theirs.get_weights()[len(mine) :]])  # moving statistics stay
    assert (None, *model.output_shape) == tuple(theirs.compute_output_shape((None, *case.shape)))
    x = case.samples(rng, "float32")
    noisy = any(case.arguments.get(name) for name in NOISE) or case.layer.startswith("Random")
    for training in (False,) if noisy else (False, True):
        tensor = torch.tensor(x, requires_grad=not case.ids)
        switch = {"training": training} if _trains(theirs) else {}
        outputs = theirs(tensor, **switch)
        close(model.forward(x, training=training), outputs)
        delta = rng.normal(size=tuple(outputs.shape)).astype(np.float32)
        dx = model.backward(delta)
        variables = theirs.trainable_variables
        total = sum(theirs.losses, (outputs * torch.tensor(delta)).sum())
        wanted = ([] if case.ids else [tensor]) + [variable.value for variable in variables]
        found = torch.autograd.grad(total, wanted)
        # A normalisation's are what is left of terms as large as delta: of two samples, little.
        least = float(np.abs(delta).max()) if "Normalization" in case.layer else 1e-3
        if not case.ids:
            close(dx, found[0], 1e-4, least)
        gradients = list(model.gradients.values())
        assert len(gradients) == len(variables)
        for ours, expected in zip(gradients, found[len(found) - len(variables) :], strict=True):
            close(ours, expected, 1e-4, least)


# Arguments by which a layer draws random numbers.
NOISE = ("rate", "stddev", "dropout", "recurrent_dropout")


def _trains(layer: Any) -> bool:
    return "training" in inspect.signature(layer.call).parameters


def activations() -> list[str]:
    """Names that our Activation knows and Keras has."""
    known = []
    for name in dir(keras.activations):
        try:
            md.layers.Activation(name)
        except (TypeError, ValueError):
            continue
        known.append(name)
    return known


@pytest.mark.parametrize("name", activations())
def test_activations(name: str) -> None:
    x = np.linspace(-8, 8, 170, dtype=np.float32).reshape(-1, 5)
    model = md.Model([md.layers.Activation(name)], input_shape=(5,), seed=0)
    close(model.predict(x), getattr(keras.activations, name)(x))


def test_activations_are_found() -> None:
    assert {"linear", "relu", "sigmoid", "softmax", "tanh"} <= set(activations())


# ---- losses -------------------------------------------------------------------------------------


def loss_variants(cls: Any) -> list[dict[str, Any]]:
    variants: list[dict[str, Any]] = [{}]
    if takes(cls, "from_logits"):
        variants.append({"from_logits": True})
    if takes(cls, "label_smoothing"):
        variants += [variant | {"label_smoothing": 0.2} for variant in variants]
    return variants


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("pair", shared("losses"))
def test_losses(pair: Any, weighted: bool, rng: np.random.Generator) -> None:
    if pair.name in NUMBERS:
        pytest.skip(NUMBERS[pair.name])
    if weighted and pair.name in ("losses.Dice", "losses.Tversky", "losses.Circle"):
        pytest.skip("weights mean something else: see Behaviour")
    for variant in loss_variants(pair.ours):
        logits = rng.normal(size=(9, 4)).astype(np.float32)
        p = logits
        if not variant.get("from_logits"):
            p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = rng.integers(0, 4, size=9)
        sparse = "Sparse" in pair.name or pair.name == "losses.Circle"
        y: Any = labels if sparse else np.eye(4, dtype=np.float32)[labels]
        weight = rng.uniform(0.5, 2, size=9).astype(np.float32) if weighted else None
        ours, theirs = made(pair.ours, **variant), made(pair.theirs, **variant)
        tensor = torch.tensor(p, requires_grad=True)
        behind = not variant.get("from_logits") and f"{pair.name}.gradient" in NUMBERS
        if behind:  # the logits of p are log p and a constant
            tensor = torch.tensor(np.log(p), requires_grad=True)
        value = theirs(y, tensor.softmax(dim=1) if behind else tensor, weight)
        value.backward()
        # A weighted mean is one here, a sum over n in Keras.
        factor = 1.0 if weight is None else weight.sum() / len(weight)
        close(ours(y, p, weight) * factor, value.detach())
        gradient = ours.gradient(y, p, weight) * factor
        if behind:
            gradient = p * (gradient - (p * gradient).sum(axis=1, keepdims=True))
        close(gradient, tensor.grad, 2e-5)


# ---- metrics ------------------------------------------------------------------------------------


# What takes classes, or numbers without targets.
BY_HAND = {"IoU", "BinaryIoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "Mean", "Sum"}


@pytest.mark.parametrize("pair", shared("metrics"))
def test_metrics(pair: Any, rng: np.random.Generator) -> None:
    """Over outputs of softmax with one-hot rows or labels, or of sigmoid: wherever it suits."""
    if pair.name in NUMBERS:
        pytest.skip(NUMBERS[pair.name])
    x = rng.normal(size=(200, 4)).astype(np.float32)
    labels = (x + rng.normal(size=x.shape)).argmax(axis=1)
    bits = (x + rng.normal(size=x.shape) > 0).astype(np.float32)
    settings = [
        ("softmax", "sparse_categorical_crossentropy", x, labels),
        ("softmax", "categorical_crossentropy", x, np.eye(4, dtype=np.float32)[labels]),
        ("sigmoid", "binary_crossentropy", x[:, :1], bits[:, :1]),
        ("sigmoid", "binary_crossentropy", x, bits),
        ("linear", "mse", x, bits),
    ]
    if pair.name.removeprefix("metrics.") in BY_HAND:
        pytest.skip("compared by hand: see test_keras_metrics.py")
    compared = 0
    for activation, loss, features, y in settings:
        model = md.Model([md.layers.Activation(activation)], input_shape=features.shape[1:], seed=0)
        few = {"k": 2} if takes(pair.ours, "k") else {}  # of the four classes
        try:
            model.compile("sgd", loss, metrics=[made(pair.ours, **few)])
            found = model.evaluate(features, y, verbose=0)[1]
        except ValueError:
            continue
        if "rossentropy" in pair.name and (activation == "linear" or features.shape[1] == 1):
            continue  # clipped in float32, or no distribution
        if "ategoricalCross" in pair.name and activation == "sigmoid":
            continue  # likewise
        metric = made(pair.theirs, **few)
        try:
            metric.update_state(y, model.predict(features))
        except (ValueError, RuntimeError):
            continue  # Keras does not see targets of this shape as ours does
        expected = keras.ops.convert_to_numpy(metric.result())
        if expected.size > 1:
            continue  # a number for each class
        close(found, expected.reshape(()))
        compared += 1
    assert compared > 0


# ---- optimizers ---------------------------------------------------------------------------------


def optimizer_variants(cls: Any) -> list[dict[str, Any]]:
    options = {"momentum": 0.9, "weight_decay": 0.1, "clipvalue": 0.05, "clipnorm": 0.1}
    return [{}, *({name: value} for name, value in options.items() if takes(cls, name))]


@pytest.mark.parametrize("pair", shared("optimizers"))
def test_optimizers(pair: Any, rng: np.random.Generator) -> None:
    """Twelve steps along the same gradients.

    ε is nothing beside them, because its place differs: in Keras's RMSprop it is under the root.
    Adadelta keeps its own: the first steps are made of it.
    """
    if pair.name in NUMBERS:
        pytest.skip(NUMBERS[pair.name])
    for variant in optimizer_variants(pair.ours):
        if (key := "+".join([pair.name, *variant])) in NUMBERS:
            continue
        if takes(pair.ours, "epsilon") and pair.ours is not md.optimizers.Adadelta:
            variant = variant | {"epsilon": 1e-14}
        ours, theirs = pair.ours(0.01, **variant), pair.theirs(0.01, **variant)
        start = rng.normal(size=(3, 2)).astype(np.float32)
        model = md.Model([md.layers.Dense(2, use_bias=False)], input_shape=(3,), seed=0)
        model.parameters["dense/kernel"] = start
        variable = keras.Variable(start)
        theirs.build([variable])
        for _ in range(12):
            gradient = rng.normal(size=(3, 2)).astype(np.float32)
            model.gradients["dense/kernel"] = gradient
            ours.step(model)
            theirs.apply([torch.tensor(gradient)])
            moved = np.abs(keras.ops.convert_to_numpy(variable) - start).max()
            difference = model.parameters["dense/kernel"] - keras.ops.convert_to_numpy(variable)
            assert np.abs(difference).max() < 1e-3 * moved, key


# ---- initializers -------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", shared("initializers"))
def test_initializers(pair: Any) -> None:
    """Constants exactly; draws by mean, deviation and range, five standard errors apart at most."""
    shape = (300, 300)
    mine = np.asarray(made(pair.ours)(shape))
    other = keras.ops.convert_to_numpy(made(pair.theirs)(shape))
    if np.array_equal(other, keras.ops.convert_to_numpy(made(pair.theirs)(shape))):
        assert np.array_equal(mine, other)
        return
    deviation, n = other.std(), other.size
    assert abs(mine.mean() - other.mean()) < 5 * deviation * (2 / n) ** 0.5
    assert abs(mine.std() / deviation - 1) < 5 * (1 / n) ** 0.5
    if pair.name in NUMBERS:
        return
    # A bounded distribution reaches the same bounds, an unbounded one about the same extremes.
    assert np.abs(mine).max() == pytest.approx(np.abs(other).max(), rel=0.25)
    below = (np.abs(mine) < deviation).mean() - (np.abs(other) < deviation).mean()
    assert abs(below) < 5 * (0.5 / n) ** 0.5


# ---- what has one number for each step or weight ------------------------------------------------


def schedules() -> list[Any]:
    return [*shared("optimizers.schedules"), *shared("schedules")]


@pytest.mark.parametrize("pair", schedules())
def test_schedules(pair: Any) -> None:
    if pair.name.endswith(".LearningRateSchedule"):
        pytest.skip("the base class")
    ours, theirs = made(pair.ours), made(pair.theirs)
    for step in range(30):
        close(ours(step), theirs(step))


@pytest.mark.parametrize("pair", [*shared("regularizers"), *shared("constraints")])
def test_regularizers_and_constraints(pair: Any, rng: np.random.Generator) -> None:
    if pair.name in ("regularizers.Regularizer", "constraints.Constraint"):
        pytest.skip("the base class")
    w = (2 * rng.normal(size=(5, 4))).astype(np.float32)
    close(made(pair.ours)(w), made(pair.theirs)(keras.ops.convert_to_tensor(w)))
