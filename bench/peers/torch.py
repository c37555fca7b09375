"""PyTorch as its users write it: gradients set to none, tensors and batches made beforehand."""

from __future__ import annotations

from typing import Any

from .peer import Peer


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
        functions = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
        layers: list[nn.Module] = []
        for inputs, outputs, name in zip(w.widths[:-1], w.widths[1:], w.activations(), strict=True):
            layers.append(nn.Linear(inputs, outputs))
            if name != "linear":
                layers.append(functions[name]())
        self.net = nn.Sequential(*layers)
        with torch.no_grad():
            for parameter, value in zip(self.net.parameters(), w.weights(), strict=True):
                parameter.copy_(torch.from_numpy(value.T.copy()))
        self.features, self.targets = torch.from_numpy(self.x), torch.from_numpy(self.y)
        if w.predicts:
            self.forward = self.compiled(self.net)
            return
        parameters = list(self.net.parameters())
        options: dict[str, Any] = {"lr": w.learning_rate, **self.options}
        self.optimizer: torch.optim.Optimizer
        if w.optimizer == "adam":
            self.optimizer = torch.optim.Adam(parameters, **options)
        else:
            options["momentum"] = 0.9 if w.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(parameters, **options)
        criterion = nn.MSELoss() if w.loss == "mse" else nn.CrossEntropyLoss()
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
