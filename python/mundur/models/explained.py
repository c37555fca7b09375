"""What lets one see the chain rule at work in a model of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy.typing as npt

from .. import _core
from .compiled import Compiled

if TYPE_CHECKING:
    from ..inspection.explain import Explanation
    from ..inspection.gradient_check import GradientCheck, Verification
    from .model import Model

__all__ = ["Explained"]


class Explained(Compiled):
    """A model that shows its passes and lets them be checked."""

    def explain(self, x: Any, y: Any, loss: Any = None) -> Explanation:
        """One pass forward and backward with every number: z, a, δ, ∂L/∂W, ∂L/∂b of each layer.

        Layers work as in `predict` (dropout drops nothing); the model stays as it is.

        Parameters
        ----------
        x : array (samples, *input_shape)
        y : array
            Targets, as for `fit`.
        loss : str or Loss, optional
            By default that of `compile`.

        Returns
        -------
        Explanation
            ``print`` shows a calculation as in course notes; ``[0]`` or ``["dense"]`` is a
            `LayerPass` with the arrays ``z``, ``a``, ``delta``, ``dW``, ``db``.

        Raises
        ------
        TypeError, ValueError
            For arrays that do not suit model and loss; where there is no loss.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="ones")], seed=0)
        >>> explanation = model.explain(np.ones((2, 3)), [1.0, 2.0], loss="mse")
        >>> explanation["dense"].delta.ravel(), explanation["dense"].db
        (array([2., 1.], dtype=float32), array([3.], dtype=float32))
        """
        from ..inspection.explain import explain

        with self.lock, _core.to_nearest:
            return explain(cast("Model", self), x, y, loss)

    def per_sample_gradients(self, x: Any, y: Any, loss: Any = None) -> dict[str, npt.NDArray[Any]]:
        """The gradient of every sample by itself, whose mean is the batch's gradient.

        With L = 1/n Σ ℓᵢ that is ∂ℓᵢ/∂w, one pass per sample: which samples pull where, and how
        noisy a mini-batch's gradient is. Layers work as in `predict`; the model stays as it is.

        Parameters
        ----------
        x, y, loss
            As for `explain`.

        Returns
        -------
        dict of str to ndarray (samples, *parameter's shape)
            Those that are not frozen, by "layer/parameter".

        Raises
        ------
        TypeError, ValueError
            As `explain`.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, kernel_initializer="zeros")], seed=0)
        >>> gradients = model.per_sample_gradients([[1.0], [1.0]], [1.0, 3.0], loss="mse")
        >>> gradients["dense/bias"].ravel()
        array([-2., -6.], dtype=float32)
        """
        from ..inspection.explain import per_sample_gradients

        with self.lock, _core.to_nearest:
            return per_sample_gradients(cast("Model", self), x, y, loss)

    def check_gradients(
        self,
        x: Any,
        y: Any,
        loss: Any = None,
        *,
        training: bool = False,
        elements: int | None = 200,
        tolerance: float = 1e-6,
    ) -> GradientCheck:
        """Whether `backward` tells the truth about `forward`: native gradients, differences beside.

        ∂L/∂w ≈ (L(w + h) - L(w - h)) / 2h with h = 6·10⁻⁶ max(1, |w|), on a copy of the model in
        float64 (Baydin, Pearlmutter, Radul and Siskind, 2018, section 2.1). The model stays as it
        is. A few samples are enough: every element costs two passes forward of them.

        Parameters
        ----------
        x, y, loss
            As for `explain`.
        training : bool, default False
            Whether layers work as in training, with one and the same draw of random numbers, or as
            in `predict`.
        elements : int or None, default 200
            How many of each parameter's elements to vary, drawn at random; None is all.
        tolerance : float, default 1e-6
            Of the difference, relative to the gradient's largest element.

        Returns
        -------
        GradientCheck
            True where nothing failed; ``print`` shows each parameter.

        Raises
        ------
        TypeError, ValueError
            As `explain`.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(1)], seed=0)
        >>> x = np.linspace(-1, 1, 6).reshape(3, 2)
        >>> bool(model.check_gradients(x, [0.0, 1.0, 0.0], loss="mse"))
        True
        """
        from ..inspection.gradient_check import check_gradients

        with self.lock, _core.to_nearest:
            return check_gradients(cast("Model", self), x, y, loss, training, elements, tolerance)

    def verify(
        self, x: Any, y: Any, loss: Any = None, *, tolerance: float | None = None
    ) -> Verification:
        """The native code against the textbook, `mundur.reference`: one pass, every number.

        Layers work as in `predict`; the model stays as it is. The textbook is plain Python: a few
        samples are enough, and large layers take their time.

        Parameters
        ----------
        x, y, loss
            As for `explain`.
        tolerance : float, optional
            Of differences, relative to an array's largest element; by default 1e-10 in float64,
            1e-4 in float32, 5e-2 in bfloat16.

        Returns
        -------
        Verification
            True where everything agrees; ``print`` shows outputs, ∂L/∂x and gradients by layer.

        Raises
        ------
        TypeError, ValueError
            As `explain`; for a layer or loss that the textbook does not have.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(4, "tanh"), md.layers.Dense(1)], seed=0)
        >>> x = np.linspace(-1, 1, 6).reshape(3, 2)
        >>> bool(model.verify(x, [0.0, 1.0, 0.0], loss="mse"))
        True
        """
        from ..inspection.gradient_check import verify

        with self.lock, _core.to_nearest:
            return verify(cast("Model", self), x, y, loss, tolerance)
