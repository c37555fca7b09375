"""JAX as its documentation advises: pure functions, compiled, their state donated.

Its compiler takes the number of threads from the process's affinity; there is no other switch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from layers import (
    LSTM,
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
)

from .peer import Peer

State = Any  # (weights, first moments or velocity, second moments, count of steps)


def output(layer: Layer, weights: list[Any], x: Any, training: bool) -> Any:
    """Of one layer for a batch; traced.

    Moving statistics, of which nobody asks here, stay as they are: less work than others do.
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    functions = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}
    match layer:
        case Dense():
            kernel, bias = weights
            x = x @ kernel + bias
        case Embedding():
            (table,) = weights
            x = table.at[x].get(mode="promise_in_bounds")
        case Conv1D(filters, width):
            # A product of windows: XLA's own convolution takes ten times as long within a scan.
            kernel, bias = weights
            steps = x.shape[1] - width + 1
            windows = jnp.concatenate([x[:, k : k + steps] for k in range(width)], axis=2)
            x = windows @ kernel.reshape(-1, filters) + bias
        case MaxPooling1D(size):
            x = maxima(x, (1, size, 1))
        case LSTM(units):
            x = lstm(units, weights, x)
        case Conv2D(filters, _, strides, padding):
            x = lax.conv_general_dilated(
                *(x, weights[0], (strides, strides), padding.upper()),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
            x = x + weights[1] if len(weights) > 1 else x
        case MaxPooling2D(size):
            x = maxima(x, (1, size, size, 1))
        case BatchNormalization(_, epsilon):
            gamma, beta = weights
            if training:
                mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            else:
                mean, variance = jnp.zeros_like(gamma), jnp.ones_like(gamma)
            x = (x - mean) * (gamma * lax.rsqrt(variance + epsilon)) + beta
        case GlobalAveragePooling2D():
            x = x.mean((1, 2))
        case Flatten():
            x = x.reshape(len(x), -1)
        case Block():
            x = block(layer, weights, x, training)
    activation = functions.get(getattr(layer, "activation", ""))
    return activation(x) if activation else x


def maxima(x: Any, window: tuple[int, ...]) -> Any:
    """Of each window; they do not overlap; traced."""
    import jax.numpy as jnp
    from jax import lax

    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def block(layer: Block, weights: list[Any], x: Any, training: bool) -> Any:
    """Of ResNet's; traced."""
    import jax

    rest = list(weights)
    values = []
    for part, inputs in layer.parts(x.shape[1:]):
        count = len(part.weight_shapes(inputs))
        values.append((part, rest[:count]))
        del rest[:count]

    def through(some: list[tuple[Layer, list[Any]]], x: Any) -> Any:
        for part, own in some:
            x = output(part, own, x, training)
        return x

    y = through(values[2:4], jax.nn.relu(through(values[:2], x)))
    return jax.nn.relu(through(values[4:], x) + y)


def lstm(units: int, weights: list[Any], x: Any) -> Any:
    """The last step's output. The inputs' product is one for all steps."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    kernel, recurrent_kernel, bias = weights

    def step(carried: tuple[Any, Any], projected: Any) -> tuple[tuple[Any, Any], None]:
        h, c = carried
        i, f, g, o = jnp.split(projected + h @ recurrent_kernel, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    start = jnp.zeros((x.shape[0], units), x.dtype)
    (h, _), _ = lax.scan(step, (start, start), x.swapaxes(0, 1) @ kernel + bias)
    return h


class Jax(Peer):
    """A compiled call per step, batches on the device beforehand."""

    library = "jax"
    mode = "jit"
    prediction: str | None = "jit"

    def build(self, threads: int) -> None:
        import os

        os.environ["JAX_PLATFORMS"] = self.device
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_default_matmul_precision", "highest")  # float32, on a GPU too
        w = self.workload
        weights = jax.tree.map(jnp.asarray, w.layer_weights())
        self.features = jnp.asarray(self.x)
        if w.predicts:
            # As constants the weights come with each call for nothing.
            forward = jax.jit(lambda x: self.outputs(weights, x))
            self.forward: Any = lambda: forward(self.features)
            return
        targets = self.y.astype(np.int32) if w.loss == "crossentropy" else self.y
        self.targets = jnp.asarray(targets)

        def zeros(wanted: bool) -> Any:
            return jax.tree.map(jnp.zeros_like, weights) if wanted else ()

        slots = zeros(w.optimizer != "sgd"), zeros(w.optimizer == "adam")
        self.state: State = (weights, *slots, jnp.float32(0))
        self.step = jax.jit(self.stepped, donate_argnums=0)
        self.first = (self.features[self.batch(0)], self.targets[self.batch(0)])
        self.rng = np.random.default_rng(0)
        self.prepare()

    def prepare(self) -> None:
        """Makes what `train` needs beside `step`."""
        import jax

        if self.workload.shuffled:
            self.gathered_step = jax.jit(self.stepped_on_rows, donate_argnums=0)
            return
        self.batches = [
            (self.features[self.batch(i)], self.targets[self.batch(i)])
            for i in range(self.workload.batches)
        ]

    # ---- traced ----------------------------------------------------------------------------------
    def outputs(self, weights: Any, x: Any) -> Any:
        for layer, values in zip(self.workload.layers, weights, strict=True):
            x = output(layer, values, x, not self.workload.predicts)
        return x

    def loss(self, weights: Any, x: Any, y: Any) -> Any:
        import jax
        import jax.numpy as jnp

        p = self.outputs(weights, x)
        if self.workload.loss == "mse":
            return jnp.mean((p - y) ** 2)
        if self.workload.loss == "binary":
            return jnp.mean(jax.nn.softplus(p) - p * y)
        chosen = jnp.take_along_axis(p, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(p, axis=1) - chosen)

    def stepped(self, state: State, x: Any, y: Any) -> tuple[State, Any]:
        import jax
        import jax.numpy as jnp

        w = self.workload
        weights, m, v, count = state
        loss, gradients = jax.value_and_grad(self.loss)(weights, x, y)
        steps = gradients
        count = count + 1
        if w.optimizer == "momentum":
            steps = m = jax.tree.map(lambda a, g: 0.9 * a + g, m, gradients)
        elif w.optimizer == "adam":
            m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, gradients)
            v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, gradients)
            m_scale, v_scale = 1 / (1 - 0.9**count), 1 / (1 - 0.999**count)
            steps = jax.tree.map(lambda a, b: a * m_scale / (jnp.sqrt(b * v_scale) + 1e-8), m, v)
        weights = jax.tree.map(lambda a, s: a - w.learning_rate * s, weights, steps)
        return (weights, m, v, count), loss

    def stepped_on_rows(self, state: State, x: Any, y: Any, rows: Any) -> tuple[State, Any]:
        def taken(array: Any) -> Any:
            return array.at[rows].get(mode="promise_in_bounds")

        return self.stepped(state, taken(x), taken(y))

    # ---- run -------------------------------------------------------------------------------------
    def losses(self, steps: int) -> list[float]:
        values = []
        for _ in range(steps):
            self.state, loss = self.step(self.state, *self.first)
            values.append(float(loss))
        return values

    def train(self, steps: int) -> None:
        import jax

        if self.workload.shuffled:
            for _ in range(steps // self.workload.batches):
                self.train_shuffled_epoch()
        else:
            state = self.state
            for i in range(steps):
                state, _ = self.step(state, *self.batches[i % len(self.batches)])
            self.state = state
        jax.block_until_ready(self.state)

    def order(self) -> Any:
        # NumPy's shuffle takes 0.7 ms, JAX's own, which sorts, ten times that.
        return self.rng.permutation(self.workload.samples).astype(np.int32)

    def train_shuffled_epoch(self) -> None:
        order = self.order()
        for i in range(self.workload.batches):
            rows = order[self.batch(i)]
            self.state, _ = self.gathered_step(self.state, self.features, self.targets, rows)

    def predict(self, times: int) -> Any:
        for _ in range(times - 1):
            self.forward().block_until_ready()
        return self.forward().block_until_ready()


class JaxScan(Jax):
    """All batches in one compiled call."""

    mode = "scan"
    prediction = None

    @property
    def grain(self) -> int:
        return self.workload.batches

    def prepare(self) -> None:
        import jax
        from jax import lax

        w = self.workload
        full = w.samples // w.batch_size * w.batch_size

        def epoch(state: State, x: Any, y: Any) -> tuple[State, Any]:
            def step(carried: State, batch: Any) -> tuple[State, Any]:
                return self.stepped(carried, *batch)

            return lax.scan(step, state, (x, y))  # type: ignore[no-any-return]

        def shuffled_epoch(state: State, x: Any, y: Any, order: Any) -> tuple[State, Any]:
            def step(carried: State, rows: Any) -> tuple[State, Any]:
                return self.stepped_on_rows(carried, x, y, rows)

            state, losses = lax.scan(step, state, order[:full].reshape(-1, w.batch_size))
            return step(state, order[full:]) if full < w.samples else (state, losses)

        self.scan = jax.jit(epoch, donate_argnums=0)
        self.epoch = jax.jit(shuffled_epoch, donate_argnums=0) if w.shuffled else self.scan
        if not w.shuffled:
            x, y, batches = self.features, self.targets, (w.batches, w.batch_size)
            self.features = x.reshape(*batches, *x.shape[1:])
            self.targets = y.reshape(*batches, *y.shape[1:])

    def losses(self, steps: int) -> list[float]:
        import jax.numpy as jnp

        x, y = (jnp.stack([array] * steps) for array in self.first)
        self.state, losses = self.scan(self.state, x, y)
        return [float(loss) for loss in losses]

    def train(self, steps: int) -> None:
        import jax

        for _ in range(steps // self.workload.batches):
            order = (self.order(),) if self.workload.shuffled else ()
            self.state, _ = self.epoch(self.state, self.features, self.targets, *order)
        jax.block_until_ready(self.state)


class JaxOnGpu(Jax):
    device = "cuda"


class JaxScanOnGpu(JaxScan):
    device = "cuda"
