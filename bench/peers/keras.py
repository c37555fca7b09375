"""Keras 3 on TensorFlow."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from machine import Elapsed, Watch

from .peer import Peer


class Keras(Peer):
    """`fit` and `predict_on_batch` with the defaults."""

    library = "keras"
    mode = "fit"
    prediction: str | None = "predict_on_batch"
    compile_options: dict[str, Any] = {}  # noqa: RUF012

    def build(self, threads: int) -> None:
        import os

        os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        import keras
        import tensorflow as tf

        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        w = self.workload
        keras.utils.clear_session()
        x = keras.Input(w.inputs, dtype=str(self.x.dtype))
        if w.is_graph:
            y, made = w.graph(keras.layers, x)
            self.model = keras.Model(x, y)
            variables = [one for layer in made for one in layer.trainable_weights]
        else:
            layers = [getattr(keras.layers, type(one).__name__)(**asdict(one)) for one in w.layers]
            self.model = keras.Sequential([x, *layers])
            variables = self.model.trainable_variables
        for variable, value in zip(variables, w.weights(), strict=True):
            variable.assign(value)
        if w.predicts:
            self.features = tf.constant(self.x)
            self.prepare()
            return
        if w.optimizer == "adam":
            optimizer = keras.optimizers.Adam(w.learning_rate, epsilon=1e-8)
        else:
            momentum = 0.9 if w.optimizer == "momentum" else 0.0
            optimizer = keras.optimizers.SGD(w.learning_rate, momentum=momentum)
        losses = {
            "mse": keras.losses.MeanSquaredError(),
            "crossentropy": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "binary": keras.losses.BinaryCrossentropy(from_logits=True),
        }
        self.model.compile(optimizer=optimizer, loss=losses[w.loss], **self.compile_options)

    def prepare(self) -> None:
        """Makes `forward`, the prediction of the batch."""
        self.forward: Any = lambda: self.model.predict_on_batch(self.x)

    def losses(self, steps: int) -> list[float]:
        values = []
        for _ in range(steps):
            self.model.reset_metrics()  # else it returns the mean over all calls
            logs = self.model.train_on_batch(
                self.x[self.batch(0)], self.y[self.batch(0)], return_dict=True
            )
            values.append(float(logs["loss"]))
        return values

    @property
    def grain(self) -> int:
        # What the smallest step needs to outweigh an epoch's own cost.
        return min(self.workload.batches, 500)

    def train(self, steps: int) -> None:
        self.fit(steps // self.grain)

    def fit(self, epochs: int, callbacks: list[Any] | None = None) -> None:
        samples = min(self.grain * self.workload.batch_size, self.workload.samples)
        self.model.fit(
            self.x[:samples],
            self.y[:samples],
            batch_size=self.workload.batch_size,
            epochs=epochs,
            shuffle=self.workload.shuffled,
            callbacks=callbacks,
            verbose=0,
        )

    def timed(self, steps: int) -> Elapsed:
        """Without the first epoch, which pays some 45 ms for what `fit` sets up."""
        if self.workload.predicts:
            return super().timed(steps)
        import keras

        watches = []

        def end(epoch: int, logs: Any = None) -> None:
            if epoch == 0:
                watches.append(Watch())

        self.fit(1 + steps // self.grain, [keras.callbacks.LambdaCallback(on_epoch_end=end)])
        return watches[0].read()

    def predict(self, times: int) -> Any:
        for _ in range(times - 1):
            self.forward()
        return self.forward()


class KerasManySteps(Keras):
    """Many steps in one compiled call."""

    mode = "fit, 100 steps a call"
    prediction = None
    compile_options = {"steps_per_execution": 100}  # noqa: RUF012


class KerasCall(Keras):
    """The model called, as the documentation advises for small batches."""

    mode = prediction = "call"
    trains = False

    def prepare(self) -> None:
        self.forward = lambda: self.model(self.features, training=False)


class KerasFunction(Keras):
    """The call compiled by XLA."""

    mode = prediction = "tf.function"
    trains = False

    def prepare(self) -> None:
        import tensorflow as tf

        function = tf.function(lambda x: self.model(x, training=False), jit_compile=True)
        self.forward = lambda: function(self.features)
