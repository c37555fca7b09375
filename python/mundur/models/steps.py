"""What a subclass of Model may write: how a batch is trained on and tested, and what a graph is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..data import arrays
from ..data.dataset import Objective
from ..layers.input import Symbol, is_symbolic
from ..metrics.base import Metric
from ..training import passes
from .chain import Chain

if TYPE_CHECKING:
    from ..optimizers.base import Optimizer

__all__ = ["Stepping"]

# Keras's, which nothing here would call.
_IGNORED = ("predict_step", "make_train_function", "make_test_function", "make_predict_function")


class Stepping(Chain):
    """A model whose class may say itself what becomes of a batch."""

    if TYPE_CHECKING:
        _objectives: tuple[Objective, ...]

        @property
        def optimizer(self) -> Optimizer | None:
            """That of compile."""

        @property
        def metrics(self) -> list[Metric]:
            """Those of compile."""

    def _writes(self, name: str) -> bool:
        """Whether the class writes one of these methods itself."""
        return getattr(type(self), name) is not getattr(Stepping, name)

    def _check_overrides(self) -> None:
        """Raises where the class writes what nothing would call."""
        cls = type(self)
        ignored = [name for name in _IGNORED if hasattr(cls, name)]
        if not (self._writes("train_step") or self._writes("test_step")):
            ignored += [name for name in ("compute_loss", "compute_metrics") if self._writes(name)]
        if ignored:
            raise TypeError(
                f"{cls.__name__}.{ignored[0]} would be ignored: fit calls train_step(data), and "
                "evaluate test_step(data), where a class writes them; these may call what they like"
            )

    # ---- steps -------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, float]:
        """One update on one batch; a subclass may write it, and `fit` then calls it.

        Parameters
        ----------
        data : tuple
            (x, y) or (x, y, sample_weight), NumPy arrays; (x,) where there is no y.

        Returns
        -------
        dict
            What is reported, numbers by name: ``{"loss": ...}``. The last batch's stand for the
            epoch, as in Keras, where metrics go on from batch to batch: those of `compile`, and
            those that the model holds as attributes, begin anew with each epoch.

        Notes
        -----
        By hand a step is ``y_pred = self(x, training=True)``, then
        ``self.backward(self.loss.gradient(y, y_pred))`` and ``self.optimizer.step(self)``.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> class Careful(md.Model):
        ...     def train_step(self, data):
        ...         x, y = data
        ...         y_pred = self(x, training=True)
        ...         loss = self.compute_loss(y=y, y_pred=y_pred)
        ...         self.backward(np.clip(self.loss.gradient(y, y_pred), -0.1, 0.1))
        ...         self.optimizer.step(self)
        ...         return {"loss": loss}
        >>> model = Careful([md.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0).history
        {'loss': [1.0]}
        """
        x, y, weight = (*data, None, None)[:3]
        itself: Any = self
        logs: dict[str, float] = passes.train_on_batch(itself, x, y, weight, None, True, False)
        return logs

    def test_step(self, data: Any) -> dict[str, float]:
        """The loss and the metrics of one batch; a subclass may write it, as `train_step`."""
        x, y, weight = (*data, None, None)[:3]
        return self._evaluated(x, y, "full", weight, None)

    def _evaluated(self, x: Any, y: Any, size: Any, weight: Any, steps: Any) -> dict[str, float]:
        itself: Any = self
        given = x, y, size, 0, weight, steps, None, True, False
        logs: dict[str, float] = passes.evaluate(itself, *given)
        return logs

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> float:
        """The loss of predictions as `fit` has it: Σ weight · loss of outputs, penalties too."""
        ports, weights = self._ports_out, [None] * len(self._objectives)
        if sample_weight is not None:
            weights = list(ports.parts(sample_weight, "sample_weight"))
        pairs = zip(ports.parts(y, "y"), ports.parts(y_pred, "y_pred"), weights, strict=True)
        total = 0.0
        for one, (true, pred, weight) in zip(self._objectives, pairs, strict=True):
            if one.loss is not None:
                given: Any = {} if weight is None else {"sample_weight": weight}
                total += one.weight * one.loss(true, pred, **given)
        return total + self.penalty()

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, float]:
        """The metrics of `compile` so far, with this batch, by their names."""
        ports, found = self._ports_out, {}
        pairs = zip(ports.parts(y, "y"), ports.parts(y_pred, "y_pred"), strict=True)
        for one, (true, pred) in zip(self._objectives, pairs, strict=True):
            for name, metric in zip(one.metric_names, one.metrics, strict=True):
                given = () if sample_weight is None or not metric._weighted else (sample_weight,)
                metric.update_state(true, pred, *given)
                found[name] = float(metric.result())
        return found

    # ---- a graph that a class writes -----------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        """A subclass's outputs, made of symbolic values by layers that it holds as attributes.

        The first data, or `build`, say which inputs there are: one array, a list or a dict of them.
        May take ``training`` as well, to hand it to layers.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> class Residuals(md.Model):
        ...     def __init__(self):
        ...         super().__init__(seed=0)
        ...         self.hidden = md.layers.Dense(2, "relu")
        ...     def call(self, x):
        ...         return x + self.hidden(x)
        >>> Residuals().predict(np.ones((1, 2))).shape
        (1, 2)
        """
        return self(inputs)

    def _traces(self) -> bool:
        """Whether the graph is what call makes, and not made yet."""
        return self._order is None and self._writes("call")

    def _trace(self, shapes: Any) -> None:
        """Makes the graph of call, for samples of a shape, or of a list or dict of them."""
        from ..layers.composing import traced

        if self._layers:
            raise TypeError(
                f"{type(self).__name__}.call would be ignored, for the model was given its layers: "
                "hold them as attributes, which call calls"
            )
        if isinstance(shapes, dict):
            inputs: Any = {name: Symbol(shape, None, name) for name, shape in shapes.items()}
        elif isinstance(shapes, list):
            inputs = [Symbol(shape, None) for shape in shapes]
        else:
            inputs = Symbol(shapes, None)
        outputs = traced(self, inputs)
        if not is_symbolic(outputs):
            raise TypeError(
                f"{type(self).__name__}.call must return symbolic values, made of what it was "
                "called on by layers; NumPy has its place in layers with forward and backward"
            )
        try:
            self._connect(inputs, outputs, build=False)
        except BaseException:
            self._order, self._layers = None, []
            raise

    def _planned(self, shape: Any) -> Any:
        if self._traces():
            self._trace(shape)
        return super()._planned(shape)

    def _features(self, x: Any, name: str = "x") -> Any:
        if self._traces() and self._declared_shape is None:
            self._trace(_shapes_of(x, name))
        return super()._features(x, name)


def _shapes_of(x: Any, name: str) -> Any:
    if isinstance(x, dict):
        return {key: arrays.features(part, None, key).shape[1:] for key, part in x.items()}
    if isinstance(x, (list, tuple)) and x and all(hasattr(part, "shape") for part in x):
        return [arrays.features(part, None, f"{name}[{i}]").shape[1:] for i, part in enumerate(x)]
    shape: Sequence[int] = arrays.features(x, None, name).shape[1:]
    return tuple(shape)
