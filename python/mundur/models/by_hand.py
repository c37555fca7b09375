"""Parameters, freezing, and forward and backward, one piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean
from .._support.views import Views, copy_all
from ..data import arrays
from ..layers.base import Layer
from .chain import Chain

__all__ = ["ByHand"]

Array = npt.NDArray[Any]


class ByHand(Chain):
    """What training is made of: live views of the numbers, forward and backward."""

    # ---- numbers -----------------------------------------------------------------------------

    @property
    def parameters(self) -> Views:
        """Live views of the parameters by "layer/parameter"; see `Views`."""
        views = self._parameter_views()
        self._views_given = True
        return views

    @property
    def gradients(self) -> Views:
        """Live views of ∂L/∂parameter, as the last `backward` left them.

        `fit` and `train_on_batch` update at once and leave numbers of no meaning here.
        """
        _ = self.native
        self._views_given = True
        return Views(self._gradients, "gradient")

    def _parameter_views(self) -> Views:
        """The parameters for use within one call."""
        _ = self.native
        return Views(self._values)

    @property
    def state(self) -> Views:
        """Live views of numbers that training changes but no gradient (moving statistics)."""
        _ = self.native
        self._views_given = True
        return Views(self._state, "state")

    def _weight_views(self) -> Views:
        """Parameters and state, layer by layer, for use within one call."""
        _ = self.native
        if not self._state:
            return Views(self._values)
        every = self._values | self._state
        names = [
            f"{layer.name}/{name}"
            for layer in self._layers
            for name in (*layer.parameter_initializers, *layer.state_initializers)
        ]
        return Views({name: every[name] for name in names}, "weight")

    def get_weights(self) -> list[Array]:
        """Copies of the parameters and the state: layer by layer, in each the parameters first."""
        with self.lock:
            return [view.copy() for view in self._weight_views().values()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Copies arrays, in the order of `get_weights`, into the parameters and the state."""
        with self.lock:
            copy_all(self._weight_views(), weights)

    def count_params(self) -> int:
        """How many numbers the parameters and the state hold."""
        return sum(view.size for view in self._weight_views().values())

    # ---- freezing ----------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether any parameter learns; setting it sets all."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        with self.lock:
            for layer in self._layers:
                layer.trainable = value

    def freeze(self, pattern: str) -> None:
        """Freezes the parameters whose name matches: no gradient, no update, no decay.

        Files, pickle and copies keep what is frozen, `summary` shows it; `repr` can only tell of
        layers frozen as a whole.

        Parameters
        ----------
        pattern : str
            As in file names: ``"*/bias"``, ``"dense/*"``, ``"*"``.

        Raises
        ------
        ValueError
            Where nothing matches; it lists the names.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
        >>> model.freeze("*/bias")
        >>> model.trainable_parameters
        ['dense/kernel']
        """
        self._set_trainable(pattern, False)

    def unfreeze(self, pattern: str) -> None:
        """Lets the parameters whose name matches learn again; see `freeze`."""
        self._set_trainable(pattern, True)

    @property
    def trainable_parameters(self) -> list[str]:
        """Names of the parameters that learn."""
        return [name for name, layer, parameter in self._named() if layer.is_trainable(parameter)]

    def _named(self) -> Iterable[tuple[str, Layer, str]]:
        for layer in self._layers:
            for parameter in layer.parameter_initializers:
                yield f"{layer.name}/{parameter}", layer, parameter

    def _set_trainable(self, pattern: str, value: bool) -> None:
        if not isinstance(pattern, str):
            raise TypeError(f"pattern must be text such as '*/bias'; got {pattern!r}")
        import fnmatch

        named = list(self._named())
        matching = [entry for entry in named if fnmatch.fnmatchcase(entry[0], pattern)]
        # A layer without parameters goes by the names of its state.
        bare = [
            layer
            for layer in self._layers
            if not layer.parameter_initializers
            and any(
                fnmatch.fnmatchcase(f"{layer.name}/{state}", pattern)
                for state in layer.state_initializers
            )
        ]
        if not (matching or bare):
            known = ", ".join(name for name, _, _ in named) or "none"
            raise ValueError(f"no parameter matches {pattern!r} (known: {known})")
        with self.lock:
            for _, layer, parameter in matching:
                layer.set_trainable(parameter, value)
            for layer in bare:
                layer.trainable = value

    def _trainable_changed(self) -> None:
        if self._network is not None:
            flags = [layer.is_trainable(parameter) for _, layer, parameter in self._named()]
            self._network.set_trainable(flags)
            learning = [flag for layer in self._layers for flag in layer.learning_flags()]
            self._network.set_learning(learning)

    # ---- by hand -----------------------------------------------------------------------------

    def forward(self, x: Any, training: bool = False) -> Array:
        """The outputs for samples; keeps what `backward` needs.

        Every forward does, with `training` or without, in place of what the last one kept.

        Parameters
        ----------
        x : array (samples, *input_shape)
            Any real dtype.
        training : bool, default False
            Whether dropout drops and BatchNormalization goes by the batch.

        Returns
        -------
        ndarray (samples, *output_shape)

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
            x = arrays.features(x, self._declared_shape)
            with self._built_for(x) as network:
                try:
                    return network.forward(x, training)
                except ValueError:
                    if self.vocabulary:
                        arrays.check_ids(x, self.vocabulary, "x")
                    raise

    __call__ = forward

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

    def backward(self, delta: Any) -> Array:
        """∂L/∂x from delta = ∂L/∂outputs of the last `forward`; fills the gradients.

        Regularizers' part is in both.

        Parameters
        ----------
        delta : array (samples, *output_shape)
            For instance ``loss.gradient(y, y_pred)``.

        Returns
        -------
        ndarray (samples, *input_shape)

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
            delta = arrays.real_array(delta, "delta")
            wanted = self.native.output_shape
            if delta.shape[1:] != wanted or delta.ndim != 1 + len(wanted):
                shape = ", ".join(map(str, ("samples", *wanted)))
                raise ValueError(f"delta must have shape ({shape}); got {delta.shape}")
            with _core.to_nearest:
                delta = np.ascontiguousarray(delta, self._dtype)
            try:
                return self.native.backward(delta)
            except ValueError as error:
                raise ValueError(f"{error}; got {delta.shape}") from None
