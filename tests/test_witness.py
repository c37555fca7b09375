"""PyTorch as a second witness: random networks, and 20 steps of every optimizer."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the witness is PyTorch: install the extra 'witness'")
pytestmark = pytest.mark.witness

TORCH_DTYPE = {"float32": torch.float32, "float64": torch.float64}
TOLERANCE = {"float32": 2e-5, "float64": 1e-11}
AFTER_20_STEPS = {"float32": 2e-3, "float64": 1e-9}
ACTIVATIONS: dict[str, Any] = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda z: torch.softmax(z, dim=-1),
    "log_softmax": lambda z: torch.log_softmax(z, dim=-1),
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.2),
    "relu6": torch.nn.functional.relu6,
    "elu": torch.nn.functional.elu,
    "selu": torch.selu,
    "gelu": torch.nn.functional.gelu,
    "gelu_tanh": lambda z: torch.nn.functional.gelu(z, approximate="tanh"),
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
    "softsign": torch.nn.functional.softsign,
    "mish": torch.nn.functional.mish,
    # PyTorch's own take 1/6 in float32.
    "hard_sigmoid": lambda z: torch.nn.functional.relu6(z + 3) / 6,
    "hard_silu": lambda z: z * torch.nn.functional.relu6(z + 3) / 6,
}


class Witness:
    """The same chain of Dense layers, on the same numbers, by PyTorch's autograd."""

    def __init__(self, model: md.Model, activations: list[str], dtype: str) -> None:
        self.parameters = {
            name: torch.tensor(np.array(value), requires_grad=True, dtype=TORCH_DTYPE[dtype])
            for name, value in model.parameters.items()
        }
        self.activations = activations

    def __call__(self, x: Any) -> Any:
        tensors = list(self.parameters.values())
        for i, activation in enumerate(self.activations):
            x = ACTIVATIONS[activation](x @ tensors[2 * i] + tensors[2 * i + 1])
        return x


def assert_close(found: Any, expected: Any, tolerance: float) -> None:
    expected = expected.detach().numpy()
    scale = np.abs(expected).max() or 1.0
    np.testing.assert_allclose(np.asarray(found) / scale, expected / scale, rtol=0, atol=tolerance)


def random_network(seed: int, dtype: str, outputs: int) -> tuple[md.Model, Witness, int]:
    rng = np.random.default_rng(seed)
    widths = [int(width) for width in rng.integers(1, 70, size=rng.integers(1, 5))]
    hidden = [str(name) for name in rng.choice(list(ACTIVATIONS), size=len(widths))]
    layers = [md.layers.Dense(*pair) for pair in zip(widths, hidden, strict=True)]
    inputs = int(rng.integers(1, 90))
    model = md.Model(
        [*layers, md.layers.Dense(outputs)], seed=seed, dtype=dtype, input_shape=(inputs,)
    )
    for name, value in model.parameters.items():
        if name.endswith("bias"):
            value[...] = rng.normal(size=value.shape) * 0.1
    return model, Witness(model, [*hidden, "linear"], dtype), inputs


LOSSES: dict[str, Any] = {
    "MeanSquaredError": (torch.nn.functional.mse_loss, {}, "real"),
    "BinaryCrossentropy": (
        torch.nn.functional.binary_cross_entropy_with_logits,
        {"from_logits": True},
        "bits",
    ),
    "SparseCategoricalCrossentropy": (
        torch.nn.functional.cross_entropy,
        {"from_logits": True},
        "labels",
    ),
    "CategoricalCrossentropy": (torch.nn.functional.cross_entropy, {"from_logits": True}, "rows"),
}


def targets(kind: str, rng: np.random.Generator, batch: int, outputs: int, dtype: str) -> Any:
    if kind == "labels":
        return rng.integers(0, outputs, size=batch)
    if kind == "bits":
        return rng.integers(0, 2, size=(batch, outputs)).astype(dtype)
    if kind == "rows":
        return rng.dirichlet(np.ones(outputs), size=batch).astype(dtype)
    return rng.normal(size=(batch, outputs)).astype(dtype)


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("dtype", TORCH_DTYPE)
@pytest.mark.parametrize("seed", range(8))
def test_outputs_losses_and_gradients(seed: int, dtype: str, loss_name: str) -> None:
    rng = np.random.default_rng(100 + seed)
    outputs, batch = int(rng.integers(2, 20)), int(rng.integers(1, 300))
    model, witness, inputs = random_network(seed, dtype, outputs)
    function, arguments, kind = LOSSES[loss_name]
    x = rng.normal(size=(batch, inputs)).astype(dtype)
    y = targets(kind, rng, batch, outputs, dtype)
    loss = getattr(md.losses, loss_name)(**arguments)

    y_pred = model.forward(x, training=True)
    dx = model.backward(loss.gradient(y, y_pred))
    x_torch = torch.tensor(x, requires_grad=True)
    predicted = witness(x_torch)
    value = function(predicted, torch.tensor(y))
    value.backward()

    assert_close(y_pred, predicted, TOLERANCE[dtype])
    assert loss(y, y_pred) == pytest.approx(value.item(), rel=TOLERANCE[dtype])
    assert_close(dx, x_torch.grad, 10 * TOLERANCE[dtype])
    for name, parameter in witness.parameters.items():
        assert_close(model.gradients[name], parameter.grad, 10 * TOLERANCE[dtype])


class Around:
    """PyTorch's clipping, and decay that is no part of the gradient, in front of a rule."""

    def __init__(
        self,
        rule: Any,
        parameters: list[Any],
        decay: float = 0.0,
        clipvalue: float | None = None,
        norm: float | None = None,
        global_norm: float | None = None,
    ) -> None:
        self.rule, self.parameters, self.decay = rule, parameters, decay
        self.clipvalue, self.norm, self.global_norm = clipvalue, norm, global_norm

    def zero_grad(self) -> None:
        self.rule.zero_grad()

    def step(self) -> None:
        if self.clipvalue is not None:
            torch.nn.utils.clip_grad_value_(self.parameters, self.clipvalue)
        if self.global_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.global_norm)
        for parameter in self.parameters:
            if self.norm is not None:
                torch.nn.utils.clip_grad_norm_([parameter], self.norm)
            parameter.data.mul_(1 - self.decay)
        self.rule.step()


def looser(optimizer: Any) -> bool:
    """PyTorch clips by the norm + 1e-6, and keeps Nadam's product of momenta in float32."""
    clips = optimizer.clipnorm is not None or optimizer.global_clipnorm is not None
    return clips or isinstance(optimizer, md.optimizers.Nadam)


OPTIMIZERS: list[tuple[Any, Any]] = [
    (lambda: md.optimizers.SGD(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    (
        lambda: md.optimizers.SGD(0.05, momentum=0.9),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
    ),
    (
        lambda: md.optimizers.SGD(0.05, momentum=0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.8, nesterov=True),
    ),
    (lambda: md.optimizers.Adam(0.01), lambda p: torch.optim.Adam(p, 0.01)),
    (
        lambda: md.optimizers.Adam(0.01, amsgrad=True),
        lambda p: torch.optim.Adam(p, 0.01, amsgrad=True),
    ),
    (
        lambda: md.optimizers.AdamW(0.01, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
    ),
    (
        lambda: md.optimizers.SGD(0.05, weight_decay=0.1, clipvalue=0.02),
        lambda p: Around(torch.optim.SGD(p, 0.05), p, decay=0.05 * 0.1, clipvalue=0.02),
    ),
    (
        lambda: md.optimizers.SGD(0.05, momentum=0.9, global_clipnorm=0.1),
        lambda p: Around(torch.optim.SGD(p, 0.05, momentum=0.9), p, global_norm=0.1),
    ),
    (
        lambda: md.optimizers.SGD(0.05, clipnorm=0.1),
        lambda p: Around(torch.optim.SGD(p, 0.05), p, norm=0.1),
    ),
    (lambda: md.optimizers.Nadam(0.01), lambda p: torch.optim.NAdam(p, 0.01)),
    (lambda: md.optimizers.Adamax(0.01), lambda p: torch.optim.Adamax(p, 0.01)),
    (
        lambda: md.optimizers.RMSprop(0.002, 0.99, epsilon=1e-6),
        lambda p: torch.optim.RMSprop(p, 0.002, 0.99, 1e-6),
    ),
    (
        lambda: md.optimizers.RMSprop(0.002, 0.9, 0.8, 1e-6, True),
        lambda p: torch.optim.RMSprop(p, 0.002, 0.9, 1e-6, momentum=0.8, centered=True),
    ),
    (
        lambda: md.optimizers.Adagrad(0.05, 0.2, 1e-6),
        lambda p: torch.optim.Adagrad(p, 0.05, initial_accumulator_value=0.2, eps=1e-6),
    ),
    (
        lambda: md.optimizers.Adadelta(1.0, 0.9, 1e-6),
        lambda p: torch.optim.Adadelta(p, 1.0, 0.9, 1e-6),
    ),
    (
        lambda: md.optimizers.Adam(0.01, 0.8, 0.95, 1e-5),
        lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.95), 1e-5),
    ),
]


@pytest.mark.parametrize("pair", OPTIMIZERS, ids=lambda pair: repr(pair[0]()))
@pytest.mark.parametrize("dtype", TORCH_DTYPE)
def test_twenty_steps(pair: tuple[Any, Any], dtype: str) -> None:
    model = md.Model(
        [md.layers.Dense(12, "tanh"), md.layers.Dense(3)], seed=1, dtype=dtype, input_shape=(6,)
    )
    witness = Witness(model, ["tanh", "linear"], dtype)
    optimizer, torch_optimizer = pair[0](), pair[1](list(witness.parameters.values()))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype(dtype), rng.normal(size=(40, 3)).astype(dtype)
    model.compile(optimizer, "mse")
    for start in list(range(0, 40, 10)) * 5:
        batch = slice(start, start + 10)
        model.train_on_batch(x[batch], y[batch])
        torch_optimizer.zero_grad()
        predicted = witness(torch.tensor(x[batch]))
        torch.nn.functional.mse_loss(predicted, torch.tensor(y[batch])).backward()
        torch_optimizer.step()
    for name, parameter in witness.parameters.items():
        tolerance = 1e-4 if looser(optimizer) else AFTER_20_STEPS[dtype]
        assert_close(model.parameters[name], parameter, tolerance)


def normalized(x: Any, kind: str, of: Any, training: bool) -> Any:
    """PyTorch's normalisation with its momentum, 1 - ours, over (batch, ..., columns)."""
    columns = x.shape[-1]
    gamma, beta = of["gamma"], of["beta"]
    if kind == "LayerNormalization":
        return torch.nn.functional.layer_norm(x, (columns,), gamma, beta, 1e-3)
    flat = x.reshape(-1, columns)
    y = torch.nn.functional.batch_norm(
        flat, of["moving_mean"], of["moving_variance"], gamma, beta, training, 0.01, 1e-3
    )
    return y.reshape(x.shape)


@pytest.mark.parametrize("kind", ["BatchNormalization", "LayerNormalization"])
@pytest.mark.parametrize("dtype", TORCH_DTYPE)
@pytest.mark.parametrize("seed", range(6))
def test_normalisations(seed: int, dtype: str, kind: str) -> None:
    rng = np.random.default_rng(200 + seed)
    shape = tuple(int(n) for n in rng.integers(3, 50, size=rng.integers(1, 3)))
    batch = int(rng.integers(3, 700))
    model = md.Model([getattr(md.layers, kind)()], seed=seed, dtype=dtype, input_shape=shape)
    of: dict[str, Any] = {}
    for name, value in {**model.parameters, **model.state}.items():
        value[...] = rng.uniform(0.5, 2, size=value.shape)
        learns = name in model.parameters
        of[name.split("/")[1]] = torch.tensor(np.array(value), requires_grad=learns)
    x = (rng.normal(size=(batch, *shape)) * 3 + 2).astype(dtype)
    delta = rng.normal(size=x.shape).astype(dtype)
    for training in (False, True):
        x_torch = torch.tensor(x, requires_grad=True)
        for name in ("gamma", "beta"):
            of[name].grad = None
        expected = normalized(x_torch, kind, of, training)
        expected.backward(torch.tensor(delta))
        assert_close(model.forward(x, training=training), expected, TOLERANCE[dtype])
        assert_close(model.backward(delta), x_torch.grad, 10 * TOLERANCE[dtype])
        for name, gradient in model.gradients.items():
            assert_close(gradient, of[name.split("/")[1]].grad, 10 * TOLERANCE[dtype])
    samples = x.size // shape[-1]
    for name, value in model.state.items():
        moved = of[name.split("/")[1]]
        if name.endswith("variance"):  # PyTorch's moving variance is the unbiased one
            biased = x.reshape(-1, shape[-1]).astype(float).var(axis=0)
            moved = moved - torch.tensor(0.01 * biased / (samples - 1))
        assert_close(value, moved, TOLERANCE[dtype])
