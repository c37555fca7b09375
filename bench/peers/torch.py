"""PyTorch as its users write it: gradients set to none, tensors and batches made beforehand."""

from __future__ import annotations

from typing import Any

from layers import LSTM, Array, Conv1D, Dense, Embedding, MaxPooling1D
from workloads import Workload

from .peer import Peer


def network(workload: Workload) -> Any:
    """An `nn.Sequential` with the workload's first weights."""
    from torch import nn

    class Swapped(nn.Module):  # type: ignore[misc]
        """Steps last, where convolutions have them, or channels last again."""

        def forward(self, x: Any) -> Any:
            return x.transpose(1, 2)

    class LastStep(nn.LSTM):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            outputs, _ = super().forward(x)
            return outputs[:, -1]

    functions = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
    modules: list[Any] = []
    steps_last, width = False, workload.inputs[-1]
    for layer, weights in zip(workload.layers, workload.layer_weights(), strict=True):
        if steps_last != isinstance(layer, (Conv1D, MaxPooling1D)):
            modules.append(Swapped())
            steps_last = not steps_last
        match layer:
            case Dense(units):
                module, width = nn.Linear(width, units), units
            case Embedding(vocabulary, units):
                module, width = nn.Embedding(vocabulary, units), units
            case Conv1D(filters, kernel_size):
                module, width = nn.Conv1d(width, filters, kernel_size), filters
            case MaxPooling1D(pool_size):
                module = nn.MaxPool1d(pool_size)
            case LSTM(units):
                module, width = LastStep(width, units, batch_first=True), units
        take(module, weights)
        modules.append(module)
        activation = getattr(layer, "activation", "linear")
        if activation != "linear":
            modules.append(functions[activation]())
    return nn.Sequential(*modules)


def take(module: Any, weights: list[Array]) -> None:
    """PyTorch has outputs first, and the gates of an LSTM in the same order."""
    import torch
    from torch import nn

    own = list(module.parameters())
    if isinstance(module, nn.LSTM):
        # Two biases that are added would learn twice as fast as one.
        own.pop().requires_grad_(False).zero_()
    with torch.no_grad():
        for parameter, value in zip(own, weights, strict=True):
            turned = value if isinstance(module, nn.Embedding) else value.T.copy()
            parameter.copy_(torch.from_numpy(turned))


class Torch(Peer):
    library = "torch"
    mode = "eager"
    prediction: str | None = "eager"
    options: dict[str, bool] = {}  # noqa: RUF012

    def build(self, threads: int) -> None:
        import torch
        from torch import nn

        torch.set_num_threads(threads)
        w = self.workload
        self.net = network(w)
        self.features, self.targets = torch.from_numpy(self.x), torch.from_numpy(self.y)
        if w.predicts:
            self.forward = self.compiled(self.net)
            return
        parameters = [one for one in self.net.parameters() if one.requires_grad]
        options: dict[str, Any] = {"lr": w.learning_rate, **self.options}
        self.optimizer: torch.optim.Optimizer
        if w.optimizer == "adam":
            self.optimizer = torch.optim.Adam(parameters, **options)
        else:
            options["momentum"] = 0.9 if w.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(parameters, **options)
        criteria = {
            "mse": nn.MSELoss,
            "crossentropy": nn.CrossEntropyLoss,
            "binary": nn.BCEWithLogitsLoss,
        }
        criterion = criteria[w.loss]()
        self.batches = [
            (self.features[self.batch(i)], self.targets[self.batch(i)]) for i in range(w.batches)
        ]
        self.loss_of = self.compiled(lambda x, y: criterion(self.net(x), y))

    def compiled(self, function: Any) -> Any:
        """A place to compile what computes the loss, or the outputs."""
        return function

    def step(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(x, y)
        loss.backward()
        self.optimizer.step()
        return loss

    def losses(self, steps: int) -> list[float]:
        return [self.step(*self.batches[0]).item() for _ in range(steps)]

    def train(self, steps: int) -> None:
        if self.workload.shuffled:
            for _ in range(steps // self.workload.batches):
                self.train_shuffled_epoch()
        else:
            for i in range(steps):
                self.step(*self.batches[i % len(self.batches)])

    def train_shuffled_epoch(self) -> None:
        import torch

        order = torch.randperm(self.workload.samples)
        for i in range(self.workload.batches):
            rows = order[self.batch(i)]
            self.step(self.features[rows], self.targets[rows])

    def predict(self, times: int) -> Any:
        import torch

        with torch.inference_mode():
            for _ in range(times - 1):
                self.forward(self.features)
            return self.forward(self.features)


class TorchForeach(Torch):
    mode = "foreach"
    prediction: str | None = None
    options = {"foreach": True}  # noqa: RUF012


class TorchFused(Torch):
    mode = "fused"
    prediction: str | None = None
    options = {"fused": True}  # noqa: RUF012


class TorchCompiled(TorchFused):
    """Forward, loss and backward compiled, beside the fused optimizer."""

    mode = "compile"
    prediction = "compile"
    compile_mode = "default"

    def compiled(self, function: Any) -> Any:
        import torch

        return torch.compile(function, mode=self.compile_mode)


class TorchAutotuned(TorchCompiled):
    mode = "compile max-autotune"
    prediction = "compile max-autotune"
    compile_mode = "max-autotune-no-cudagraphs"
