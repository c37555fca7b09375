"""One class per library and mode, all with the same three methods, each run in its own process."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from importlib.metadata import version
from math import ceil
from typing import Any

import numpy as np

from workloads import Workload


class Peer(ABC):
    """A network with a workload's first weights, ready to be trained on its data."""

    #: The distribution whose version is recorded.
    library: str
    #: How that library is used.
    mode: str

    def __init__(self, workload: Workload, threads: int) -> None:
        self.workload = workload
        self.x, self.y = workload.data()
        self.build(threads)

    @abstractmethod
    def build(self, threads: int) -> None:
        """Makes the network from `workload.weights()`."""

    @abstractmethod
    def first_losses(self, steps: int) -> list[float]:
        """The loss of each of the first batches, before the step that is taken on it."""

    @abstractmethod
    def run(self, steps: int) -> None:
        """Takes training steps, a multiple of `grain`."""

    @property
    def grain(self) -> int:
        return self.workload.batches if self.workload.shuffled else 1

    @property
    def note(self) -> str:
        """What makes this peer's work differ from the workload, if anything does."""
        return ""

    def batch(self, index: int) -> slice:
        start = index * self.workload.batch_size
        return slice(start, min(start + self.workload.batch_size, self.workload.samples))

    def measure(self, seconds: float) -> float:
        """Microseconds per step (per epoch, where that is the unit), over about `seconds`."""
        elapsed = self.timed(self.grain)
        if elapsed < seconds:
            steps = ceil(seconds / max(elapsed, 1e-7)) * self.grain
            # The first piece pays for waking up; a long piece tells the truth.
            if elapsed < 0.05 * seconds:
                pilot = max(self.grain, steps // 20 // self.grain * self.grain)
                steps = ceil(seconds / self.timed(pilot) * pilot / self.grain) * self.grain
            elapsed = self.timed(steps)
        else:
            steps = self.grain
        units = steps / self.workload.batches if self.workload.shuffled else steps
        return elapsed / units * 1e6

    def timed(self, steps: int) -> float:
        start = time.perf_counter()
        self.run(steps)
        return time.perf_counter() - start


class Mundur(Peer):
    library = "mundur"
    mode = "fit"

    def build(self, threads: int) -> None:
        import mundur as md

        md.set_num_threads(threads)
        w = self.workload
        activations = [w.hidden] * (len(w.widths) - 2) + [w.output]
        self.model = md.Model(
            [
                md.layers.Dense(units, activation=activation)
                for units, activation in zip(w.widths[1:], activations, strict=True)
            ],
            input_shape=(w.widths[0],),
            seed=0,
        )
        for view, value in zip(self.model.parameters.values(), w.weights(), strict=True):
            view[...] = value
        optimizer: md.Optimizer
        if w.optimizer == "adam":
            optimizer = md.optimizers.Adam(w.learning_rate)
        else:
            momentum = 0.9 if w.optimizer == "momentum" else 0.0
            optimizer = md.optimizers.SGD(w.learning_rate, momentum=momentum)
        loss: md.Loss = (
            md.losses.MeanSquaredError()
            if w.loss == "mse"
            else md.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        self.model.compile(optimizer=optimizer, loss=loss)

    @property
    def grain(self) -> int:
        return self.workload.batches

    def first_losses(self, steps: int) -> list[float]:
        batches = [self.batch(i) for i in range(steps)]
        losses: list[Any] = [self.model.train_on_batch(self.x[b], self.y[b]) for b in batches]
        return [float(loss) for loss in losses]

    def run(self, steps: int) -> None:
        self.model.fit(
            self.x,
            self.y,
            batch_size=self.workload.batch_size,
            epochs=steps // self.workload.batches,
            shuffle=self.workload.shuffled,
            verbose=0,
        )


class Torch(Peer):
    """PyTorch as its users write it: gradients set to none, tensors and batches made beforehand."""

    library = "torch"
    mode = "eager"
    options: dict[str, bool] = {}  # noqa: RUF012

    def build(self, threads: int) -> None:
        import torch
        from torch import nn

        torch.set_num_threads(threads)
        w = self.workload
        functions = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
        activations = [w.hidden] * (len(w.widths) - 2) + [w.output]
        layers: list[nn.Module] = []
        for inputs, outputs, name in zip(w.widths[:-1], w.widths[1:], activations, strict=True):
            layers.append(nn.Linear(inputs, outputs))
            if name != "linear":
                layers.append(functions[name]())
        self.net = nn.Sequential(*layers)
        with torch.no_grad():
            for parameter, value in zip(self.net.parameters(), w.weights(), strict=True):
                parameter.copy_(torch.from_numpy(value.T.copy()))
        parameters = list(self.net.parameters())
        options: dict[str, Any] = {"lr": w.learning_rate, **self.options}
        self.optimizer: torch.optim.Optimizer
        if w.optimizer == "adam":
            self.optimizer = torch.optim.Adam(parameters, **options)
        else:
            options["momentum"] = 0.9 if w.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(parameters, **options)
        self.criterion = nn.MSELoss() if w.loss == "mse" else nn.CrossEntropyLoss()
        self.features, self.targets = torch.from_numpy(self.x), torch.from_numpy(self.y)
        self.batches = [
            (self.features[self.batch(i)], self.targets[self.batch(i)]) for i in range(w.batches)
        ]
        self.loss_of = self.prepare(lambda x, y: self.criterion(self.net(x), y))

    def prepare(self, loss_of: Any) -> Any:
        """A place to compile what computes the loss."""
        return loss_of

    def step(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(x, y)
        loss.backward()
        self.optimizer.step()
        return loss

    def first_losses(self, steps: int) -> list[float]:
        return [self.step(*self.batches[i]).item() for i in range(steps)]

    def run(self, steps: int) -> None:
        if self.workload.shuffled:
            for _ in range(steps // self.workload.batches):
                self.run_shuffled_epoch()
        else:
            for i in range(steps):
                self.step(*self.batches[i % len(self.batches)])

    def run_shuffled_epoch(self) -> None:
        import torch

        order = torch.randperm(self.workload.samples)
        for i in range(self.workload.batches):
            rows = order[self.batch(i)]
            self.step(self.features[rows], self.targets[rows])


class TorchForeach(Torch):
    mode = "foreach"
    options = {"foreach": True}  # noqa: RUF012


class TorchFused(Torch):
    mode = "fused"
    options = {"fused": True}  # noqa: RUF012


class TorchCompiled(TorchFused):
    """Forward, loss and backward compiled, beside the fused optimizer."""

    mode = "compile"
    compile_mode = "default"

    def prepare(self, loss_of: Any) -> Any:
        import torch

        return torch.compile(loss_of, mode=self.compile_mode)


class TorchAutotuned(TorchCompiled):
    mode = "compile max-autotune"
    compile_mode = "max-autotune-no-cudagraphs"


class ScikitLearn(Peer):
    library = "scikit-learn"
    mode = "partial_fit"

    def build(self, threads: int) -> None:
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from threadpoolctl import threadpool_limits

        self.limits = threadpool_limits(threads)
        w = self.workload
        estimator = MLPRegressor if w.loss == "mse" else MLPClassifier
        self.estimator = estimator(
            hidden_layer_sizes=w.widths[1:-1],
            activation={"sigmoid": "logistic"}.get(w.hidden, w.hidden),
            solver="adam" if w.optimizer == "adam" else "sgd",
            alpha=0.0,
            batch_size=w.batch_size,
            learning_rate_init=w.learning_rate,
            momentum=0.9 if w.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            shuffle=w.shuffled,
            random_state=0,
        )
        if w.loss == "mse":
            self.y = self.y[:, 0] if w.widths[-1] == 1 else self.y
            self.first = {}
        else:
            self.first = {"classes": np.arange(w.widths[-1])}
        # One step makes its weights; then ours take their place, and its optimizer starts anew.
        first = self.batch(0)
        self.estimator.partial_fit(self.x[first], self.y[first], **self.first)
        weights = w.weights()
        for own, value in zip(self.estimator.coefs_, weights[0::2], strict=True):
            own[...] = value
        for own, value in zip(self.estimator.intercepts_, weights[1::2], strict=True):
            own[...] = value
        del self.estimator._optimizer

    @property
    def note(self) -> str:
        w = self.workload
        return "linear outputs: its regressor has no others" if w.output != "linear" else ""

    def first_losses(self, steps: int) -> list[float]:
        scale = 2.0 if self.workload.loss == "mse" else 1.0  # its loss is half of the mean square
        losses = []
        for i in range(steps):
            self.estimator.partial_fit(self.x[self.batch(i)], self.y[self.batch(i)])
            losses.append(scale * float(self.estimator.loss_))
        return losses

    def run(self, steps: int) -> None:
        while steps > 0:
            now = min(steps, self.workload.batches)
            stop = min(now * self.workload.batch_size, self.workload.samples)
            self.estimator.partial_fit(self.x[:stop], self.y[:stop])
            steps -= now


PEERS: dict[str, type[Peer]] = {
    "mundur": Mundur,
    "torch-eager": Torch,
    "torch-foreach": TorchForeach,
    "torch-fused": TorchFused,
    "torch-compile": TorchCompiled,
    "torch-autotune": TorchAutotuned,
    "sklearn": ScikitLearn,
}


def library_version(peer: type[Peer]) -> str:
    """Raises PackageNotFoundError where the library is not installed."""
    return version(peer.library)
