"""PyTorch as its users write it: gradients set to none, tensors and batches made beforehand."""

from __future__ import annotations

from typing import Any

from layers import (
    LSTM,
    Activation,
    Array,
    BatchNormalization,
    Block,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling1D,
    MaxPooling2D,
    Shape,
)
from workloads import Workload

from .peer import Peer


def network(workload: Workload) -> Any:
    """A module with the workload's first weights."""
    import torch
    from torch import nn

    class Swapped(nn.Module):  # type: ignore[misc]
        """Steps last, where convolutions have them, or channels last again."""

        def forward(self, x: Any) -> Any:
            return x.transpose(1, 2)

    class LastStep(nn.LSTM):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            outputs, _ = super().forward(x)
            return outputs[:, -1]

    class Flat(nn.Module):  # type: ignore[misc]
        """In the order of rows, columns, channels, in which they lie."""

        def forward(self, x: Any) -> Any:
            return x.permute(0, 2, 3, 1).flatten(1)

    class Mean(nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.mean((2, 3))

    class ResNetBlock(nn.Module):  # type: ignore[misc]
        def __init__(self, first: Any, normal: Any, second: Any, again: Any, *shortcut: Any):
            super().__init__()
            self.inner = nn.Sequential(first, normal, nn.ReLU(), second, again)
            self.shortcut = nn.Sequential(*shortcut)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.shortcut(x) + self.inner(x))

    functions = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}

    def module(layer: Layer, inputs: Shape) -> Any:
        match layer:
            case Dense(units):
                return nn.Linear(inputs[-1], units)
            case Embedding(vocabulary, units):
                return nn.Embedding(vocabulary, units)
            case Conv1D(filters, kernel_size):
                return nn.Conv1d(inputs[-1], filters, kernel_size)
            case MaxPooling1D(pool_size):
                return nn.MaxPool1d(pool_size)
            case LSTM(units):
                return LastStep(inputs[-1], units, batch_first=True)
            case Conv2D(filters, size, strides, padding):
                rows, _, channels = inputs
                around = 0
                if padding == "same":  # TensorFlow's, of which the end has more where it is odd
                    around = max((-(-rows // strides) - 1) * strides + size - rows, 0)
                pads = nn.ZeroPad2d((around // 2, around - around // 2) * 2)
                even = around % 2 == 0
                conv = nn.Conv2d(
                    *(channels, filters, size, strides),
                    padding=around // 2 if even else 0,
                    bias=layer.use_bias,
                )
                return conv if even else nn.Sequential(pads, conv)
            case MaxPooling2D(pool_size):
                return nn.MaxPool2d(pool_size)
            case BatchNormalization(momentum, epsilon):
                return nn.BatchNorm2d(inputs[-1], epsilon, 1 - momentum)
            case GlobalAveragePooling2D():
                return Mean()
            case Flatten():
                return Flat()
            case Block():
                return ResNetBlock(*(module(part, of) for part, of in layer.parts(inputs)))
            case Activation():
                return nn.Identity()  # which follows
        raise NotImplementedError(type(layer).__name__)

    modules: list[Any] = []
    steps_last, shape = False, workload.inputs
    for layer, weights in zip(workload.layers, workload.layer_weights(), strict=True):
        if steps_last != isinstance(layer, (Conv1D, MaxPooling1D)):
            modules.append(Swapped())
            steps_last = not steps_last
        made = module(layer, shape)
        shape = layer.output_shape(shape)
        take(made, weights)
        modules.append(made)
        activation = getattr(layer, "activation", "linear")
        if activation != "linear":
            modules.append(functions[activation]())
    whole = nn.Sequential(*modules)
    return whole.to(memory_format=torch.channels_last) if workload.of_images else whole


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
            if value.ndim == 4:
                value = value.transpose(3, 2, 0, 1).copy()
            elif not isinstance(module, nn.Embedding):
                value = value.T.copy()
            parameter.copy_(torch.from_numpy(value))


class Torch(Peer):
    library = "torch"
    mode = "eager"
    prediction: str | None = "eager"
    has_bfloat16 = True
    options: dict[str, bool] = {}  # noqa: RUF012

    def build(self, threads: int) -> None:
        import torch
        from torch import nn

        torch.set_num_threads(threads)
        w = self.workload
        self.net = network(w).to(self.device)
        if w.compute_dtype == "bfloat16":
            self.net.forward = torch.autocast("cpu", torch.bfloat16)(self.net.forward)
        self.features, self.targets = (
            torch.from_numpy(array).to(self.device) for array in (self.x, self.y)
        )
        if w.of_images:  # as they lie: channels last
            self.features = self.features.permute(0, 3, 1, 2)
        if w.predicts:
            self.net.eval()
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
        self.finish()

    def finish(self) -> None:
        """Waits for what is still at work."""

    def train_shuffled_epoch(self) -> None:
        import torch

        order = torch.randperm(self.workload.samples, device=self.device)
        for i in range(self.workload.batches):
            rows = order[self.batch(i)]
            self.step(self.features[rows], self.targets[rows])

    def predict(self, times: int) -> Any:
        import torch

        with torch.inference_mode():
            for _ in range(times):
                outputs = self.forward(self.features)
                self.finish()
        return outputs.cpu()


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

    def build(self, threads: int) -> None:
        import torch

        # What is kept of other workloads counts: behind the eighth it would compile no more.
        torch._dynamo.reset()
        super().build(threads)

    def compiled(self, function: Any) -> Any:
        import torch

        return torch.compile(function, mode=self.compile_mode)


class TorchAutotuned(TorchCompiled):
    mode = "compile max-autotune"
    prediction = "compile max-autotune"
    compile_mode = "max-autotune-no-cudagraphs"


class TorchOnGpu(Torch):
    device = "cuda"
    has_bfloat16 = False
    options = {"fused": True}  # noqa: RUF012

    def build(self, threads: int) -> None:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        super().build(threads)

    def finish(self) -> None:
        import torch

        torch.cuda.synchronize()


class TorchCompiledOnGpu(TorchOnGpu):
    mode = "compile"
    prediction = "compile"

    def compiled(self, function: Any) -> Any:
        import torch

        return torch.compile(function)


class TorchGraphs(TorchOnGpu):
    """A step recorded as a CUDA graph, whose batch comes into the same memory each time."""

    mode = "CUDA graphs"
    prediction = "CUDA graphs"

    def build(self, threads: int) -> None:
        if self.workload.optimizer == "adam":
            self.options = {"fused": True, "capturable": True}
        super().build(threads)
        if self.workload.predicts:
            self.record_forward()
        else:
            self.record_step()

    def record_forward(self) -> None:
        import torch

        net = self.forward
        with torch.inference_mode():
            self.before_recording(lambda: net(self.features))
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                outputs = net(self.features)

        def forward(_: Any) -> Any:
            graph.replay()
            return outputs

        self.forward = forward

    def record_step(self) -> None:
        import copy

        import torch

        self.recorded_x, self.recorded_y = (part.clone() for part in self.batches[0])
        first = copy.deepcopy(self.net.state_dict())
        self.before_recording(lambda: super(TorchGraphs, self).step(*self.batches[0]))
        self.net.load_state_dict(first)
        for state in self.optimizer.state.values():
            for slot in state.values():
                slot.zero_()
        self.graph = torch.cuda.CUDAGraph()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(self.graph):
            self.recorded_loss = self.loss_of(self.recorded_x, self.recorded_y)
            self.recorded_loss.backward()
            self.optimizer.step()

    def before_recording(self, work: Any) -> None:
        """Some times beside, as PyTorch asks for."""
        import torch

        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(stream)

    def step(self, x: Any, y: Any) -> Any:
        if len(x) != len(self.recorded_x):  # an epoch's short batch
            return super().step(x, y)
        self.recorded_x.copy_(x)
        self.recorded_y.copy_(y)
        self.graph.replay()
        return self.recorded_loss
