"""mundur itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from layers import Array

from .peer import Peer


class Mundur(Peer):
    library = "mundur"
    mode = "fit"
    prediction = "predict_on_batch"
    has_bfloat16 = True

    def build(self, threads: int) -> None:
        import mundur as md

        md.set_num_threads(threads)
        w = self.workload
        if w.is_graph:
            x = md.Input(w.inputs)
            y, made = w.graph(md.layers, x)
            self.model = md.Model(x, y, seed=0, compute_dtype=w.compute_dtype)
            variables = [one for layer in made for one in layer.trainable_weights]
        else:
            self.model = md.Model(
                [getattr(md.layers, type(layer).__name__)(**asdict(layer)) for layer in w.layers],
                input_shape=w.inputs,
                seed=0,
                compute_dtype=w.compute_dtype,
            )
            variables = self.model.trainable_weights
        for variable, value in zip(variables, w.weights(), strict=True):
            variable[...] = value
        self.model.device = self.device
        if w.predicts:
            return
        optimizer: md.Optimizer
        if w.optimizer == "adam":
            optimizer = md.optimizers.Adam(w.learning_rate)
        else:
            momentum = 0.9 if w.optimizer == "momentum" else 0.0
            optimizer = md.optimizers.SGD(w.learning_rate, momentum=momentum)
        losses: dict[str, md.Loss] = {
            "mse": md.losses.MeanSquaredError(),
            "crossentropy": md.losses.SparseCategoricalCrossentropy(from_logits=True),
            "binary": md.losses.BinaryCrossentropy(from_logits=True),
        }
        self.model.compile(optimizer=optimizer, loss=losses[w.loss])

    @property
    def grain(self) -> int:
        return self.workload.batches

    def losses(self, steps: int) -> list[float]:
        x, y = self.x[self.batch(0)], self.y[self.batch(0)]
        values: list[Any] = [self.model.train_on_batch(x, y) for _ in range(steps)]
        return [float(value) for value in values]

    def train(self, steps: int) -> None:
        self.model.fit(
            self.x,
            self.y,
            batch_size=self.workload.batch_size,
            epochs=steps // self.workload.batches,
            shuffle=self.workload.shuffled,
            verbose=0,
        )

    def predict(self, times: int) -> Array:
        for _ in range(times - 1):
            self.model.predict_on_batch(self.x)
        outputs: Array = self.model.predict_on_batch(self.x)
        return outputs


class MundurOnGpu(Mundur):
    device = "cuda"
    has_bfloat16 = False
