"""A model by hand: forward, backward, what it returns."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from .._support.checks import boolean
from ..data import arrays
from ..data.arrays import Several, arrays_in, for_core
from ..layers.input import Symbol, is_symbolic, refuse_training
from .parts import Array
from .symbolic import Symbolic

__all__ = ["Chain"]


class Chain(Symbolic):
    """Layers, their names, and the native network made of them."""

    def forward(self, x: Any, training: bool = False) -> Any:
        """The outputs for samples; keeps what `backward` needs.

        Every forward does, with `training` or without, in place of what the last one kept.

        Parameters
        ----------
        x : array (samples, *input_shape)
            Any real dtype; for several inputs a list of arrays, or a dict by name.
        training : bool, default False
            Whether dropout drops and BatchNormalization goes by the batch.

        Returns
        -------
        ndarray (samples, *output_shape)
            Of several outputs a list, or what the model was made with.

        Raises
        ------
        TypeError, ValueError
            For arrays of the wrong dtype or shape.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(2, kernel_initializer="ones")], seed=0)
        >>> model.forward(np.ones((1, 3)))
        array([[3., 3.]], dtype=float32)
        """
        training = boolean(training, "training")
        with self.lock:
            x = self._features(x)
            with self._built_for(x) as network:
                try:
                    y = network.forward(for_core(x), training)
                except ValueError:
                    self._check_ids(x)
                    raise
        return y if self._ports_out.kind is object else self._ports_out.as_given(_from_core(y))

    def __call__(self, x: Any, training: bool = False) -> Any:
        """As `forward`; on symbolic values, the model as a piece of another graph."""
        if not is_symbolic(x):
            return self.forward(x, training)
        refuse_training(training)
        return self._called(x)

    def _check_ids(self, x: Any) -> None:
        """Raises where an input holds what is no id."""
        for i, (part, ids) in enumerate(zip(arrays_in(x), self.vocabularies, strict=True)):
            if ids:
                arrays.check_ids(part, ids, self._ports_in.called("x", i))

    def penalty(self) -> float:
        """What regularizers add to the loss: for weights as they are, activities as of `forward`.

        ``loss(y, y_pred) + model.penalty()`` is the loss that `fit` and `evaluate` report and that
        the gradients of `backward` belong to. The activities' part, over the samples of the last
        `forward`, is 0 before any, and again after training.

        Examples
        --------
        >>> import mundur as md
        >>> layer = md.layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")
        >>> md.Model([layer], input_shape=(3,), seed=0).penalty()
        0.03
        """
        with self.lock:
            return self.native.penalty()

    def backward(self, delta: Any) -> Any:
        """∂L/∂x from delta = ∂L/∂outputs of the last `forward`; fills the gradients.

        Regularizers' part is in both.

        Parameters
        ----------
        delta : array (samples, *output_shape)
            For instance ``loss.gradient(y, y_pred)``; of several outputs all, as `forward` gave
            them.

        Returns
        -------
        ndarray (samples, *input_shape)
            Of several inputs a list, or what the model was made with.

        Raises
        ------
        RuntimeError
            Before any `forward`.
        ValueError
            For another shape than that forward's outputs.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], seed=0)
        >>> y = model.forward(np.ones((1, 2)), training=True)
        >>> model.backward([[2.0]])
        array([[2., 2.]], dtype=float32)
        >>> model.gradients["dense/kernel"].ravel()
        array([2., 2.], dtype=float32)
        """
        with self.lock:
            checked = self._ports_out.checked(delta, "delta", self._delta)
            try:
                dx = self.native.backward(for_core(checked))
            except ValueError as error:
                shapes = ", ".join(str(part.shape) for part in arrays_in(checked))
                raise ValueError(f"{error}; got {shapes}") from None
        return dx if self._ports_in.kind is object else self._ports_in.as_given(_from_core(dx))

    def _delta(self, number: int, delta: Any, name: str) -> Array:
        delta = arrays.real_array(delta, name)
        wanted = self.native.output_shapes[number]
        if delta.shape[1:] != wanted or delta.ndim != 1 + len(wanted):
            shape = ", ".join(map(str, ("samples", *wanted)))
            raise ValueError(f"{name} must have shape ({shape}); got {delta.shape}")
        with _core.to_nearest:
            return np.ascontiguousarray(delta, self._dtype)

    def __repr__(self) -> str:
        if self._order is not None:
            ways = ", ".join(self._ports_in.names), ", ".join(self._ports_out.names)
            return f"<Model {self.name!r} of {len(self._layers)} layers: {' → '.join(ways)}>"
        sized = []
        if self._batch is not None:
            assert self._declared_shape is not None
            sized = [Symbol(self._declared_shape, None, batch=self._batch)]
        parts = [f"[{', '.join(map(repr, [*sized, *self._layers]))}]"]
        if self.name != "model":
            parts.append(f"name={self.name!r}")
        parts.append(f"seed={self.seed}")
        if self.dtype != "float32":
            parts.append(f"dtype={self.dtype!r}")
        if self.compute_dtype != self.dtype:
            parts.append(f"compute_dtype={self.compute_dtype!r}")
        first = self._layers[0].input_shape if self._layers else None
        if self.input_shape is not None and first is None and not sized:
            parts.append(f"input_shape={self.input_shape}")
        return f"Model({', '.join(parts)})"


def _from_core(given: Any) -> Any:
    return Several(given) if isinstance(given, tuple) else given
