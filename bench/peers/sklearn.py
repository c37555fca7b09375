"""scikit-learn's multi-layer perceptrons."""

from __future__ import annotations

from typing import Any

import numpy as np

from layers import Dense
from workloads import Workload

from .peer import Peer


class ScikitLearn(Peer):
    library = "scikit-learn"
    mode = "partial_fit"
    prediction = "predict"

    @classmethod
    def serves(cls, workload: Workload) -> bool:
        return super().serves(workload) and workload.dense is not None

    def build(self, threads: int) -> None:
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from threadpoolctl import threadpool_limits

        self.limits = threadpool_limits(threads)
        w, layers = self.workload, self.dense
        # The regressor's outputs are linear: the logits that the others predict.
        regresses = w.loss == "mse" or w.predicts
        self.estimator = (MLPRegressor if regresses else MLPClassifier)(
            hidden_layer_sizes=w.widths[1:-1],
            activation={"sigmoid": "logistic"}.get(layers[0].activation, layers[0].activation),
            solver="adam" if w.optimizer == "adam" else "sgd",
            alpha=0.0,
            batch_size=w.batch_size,
            learning_rate_init=w.learning_rate,
            momentum=0.9 if w.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            shuffle=w.shuffled,
            random_state=0,
        )
        if w.predicts:
            self.y = np.zeros((w.samples, w.widths[-1]), np.float32)
        elif w.widths[-1] == 1:
            self.y = self.y[:, 0]
        first = {} if regresses else {"classes": np.arange(max(2, w.widths[-1]))}
        # One step makes its weights; then ours take their place, and its optimizer starts anew.
        self.estimator.partial_fit(self.x[self.batch(0)], self.y[self.batch(0)], **first)
        weights = w.weights()
        for own, value in zip(self.estimator.coefs_, weights[0::2], strict=True):
            own[...] = value
        for own, value in zip(self.estimator.intercepts_, weights[1::2], strict=True):
            own[...] = value
        del self.estimator._optimizer

    @property
    def note(self) -> str:
        linear = self.dense[-1].activation == "linear"
        return "" if linear else "linear outputs: its regressor has no others"

    @property
    def dense(self) -> list[Dense]:
        return self.workload.dense or []

    def losses(self, steps: int) -> list[float]:
        scale = 2.0 if self.workload.loss == "mse" else 1.0  # its loss is half of the mean square
        values = []
        for _ in range(steps):
            self.estimator.partial_fit(self.x[self.batch(0)], self.y[self.batch(0)])
            values.append(scale * float(self.estimator.loss_))
        return values

    def train(self, steps: int) -> None:
        while steps > 0:
            now = min(steps, self.workload.batches)
            stop = min(now * self.workload.batch_size, self.workload.samples)
            self.estimator.partial_fit(self.x[:stop], self.y[:stop])
            steps -= now

    def predict(self, times: int) -> Any:
        for _ in range(times - 1):
            self.estimator.predict(self.x)
        return self.estimator.predict(self.x)
