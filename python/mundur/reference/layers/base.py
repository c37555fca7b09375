"""What all layers share: forward, and backward directly below it.

`forward` keeps what `backward` needs; `backward` takes ∂L/∂a of the layer's output a, fills
`gradients` with ∂L/∂W, ∂L/∂b, ... of its parameters, and returns ∂L/∂x of its input x.
"""

from collections.abc import Mapping
from operator import add
from random import Random
from typing import Any, ClassVar

from .. import constraints, initializers, regularizers
from ..lists import Mask, Shape, Tensor, check_shape, map_elements, shape


class Layer:
    """What all layers share.

    Attributes
    ----------
    name : str
        Unique within a model, which names its layers "dense", "dense_1", ... where they have none.
    x, a : nested list
        Input and output of the last forward; a is None before it.
    parameters : dict of str to nested list
        What is learned, changed in place by optimizers.
    gradients : dict of str to nested list
        ∂L/∂w of every parameter that is not frozen, since the last `backward`.
    state : dict of str to nested list
        What training changes, but no gradient, such as moving statistics.
    trainable : bool
        False freezes all of the layer's parameters.
    frozen : set of str
        The names of single frozen parameters, such as {"bias"}.
    regularizers, constraints : dict
        The regularizer, and the constraint, of each parameter that has one.
    activity_regularizer : Regularizer or None
        That of the outputs.
    mask : nested list of bool or None
        Which time steps of the batch to come are there; None: all. A model sets it before forward.
    keeps_mask : bool
        Whether the time steps of the output are those of the input.
    """

    keeps_mask = True

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self.kind()
        self.has_own_name = name is not None
        self.trainable = True
        self.frozen: set[str] = set()
        self.parameters: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        self.state: dict[str, Tensor] = {}
        self.regularizers: dict[str, regularizers.Regularizer] = {}
        self.constraints: dict[str, constraints.Constraint] = {}
        self.activity_regularizer: regularizers.Regularizer | None = None
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self.mask: Mask | None = None
        self.x: Tensor = []
        self.a: Tensor | None = None

    @classmethod
    def kind(cls) -> str:
        """Return what a layer without a name is called: layer_normalization, for instance."""
        name = cls.__name__.replace("1D", "1d").replace("2D", "2d")
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")

    def build(self, input_shape: Shape, rng: Random | None = None) -> Shape:
        """Make the parameters for samples of `input_shape`; give the shape of output samples.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one sample, without the batch.
        rng : random.Random, optional
            Where random numbers come from.
        """
        self.input_shape = input_shape
        self.output_shape = self.build_for(input_shape, rng or Random(0))
        return self.output_shape

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Do in `build` what a kind of layer has to; without parameters, only the shape matters."""
        return input_shape

    def compute_mask(self, x: Tensor, mask: Mask | None) -> Mask | None:
        """Return which time steps of the output are there, by the input and its mask."""
        return mask if self.keeps_mask else None

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return a of the batch x; `training` says whether dropout drops."""
        raise NotImplementedError

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x from `gradient` = ∂L/∂a, for the batch that went forward last."""
        raise NotImplementedError

    def forward_all(self, x: list[Tensor], training: bool = False) -> list[Tensor]:
        """Return all that a call makes, of all that it is called on: here one value of one."""
        return [self.forward(x[0], training)]

    def backward_all(self, gradients: list[Tensor]) -> list[Tensor]:
        """Return ∂L/∂ of all that went in, from those of all that came out."""
        return [self.backward(gradients[0])]

    def output_shapes(self, output_shape: Shape) -> list[Shape]:
        """Return the shapes of samples of all that a call makes, by that of the first."""
        return [output_shape]

    def learns(self, parameter: str) -> bool:
        """Say whether the parameter of this name gets a gradient."""
        return self.trainable and parameter not in self.frozen

    def add_penalties(self) -> None:
        """Add to the gradients, as `backward` left them, those of the weights' penalties."""
        for name, regularizer in self.regularizers.items():
            if name in self.gradients:
                # ∂L/∂w ← ∂L/∂w + ∂R/∂w
                slopes = regularizer.gradient(self.parameters[name])
                self.gradients[name] = map_elements(add, self.gradients[name], slopes)

    def check_samples(self, wanted: str, input_shape: Shape, fits: bool) -> None:
        """Raise unless samples fit a description of their shape."""
        if not fits:
            raise ValueError(f"{self.name}: samples must have shape {wanted}, got {input_shape}")

    def check_input(self, x: Tensor) -> None:
        """Raise unless x is a batch of at least one sample that this layer was built for."""
        if self.input_shape is None:
            raise RuntimeError(f"{self.name}: call build(input_shape) before forward")
        check_shape(f"{self.name}: x", x, (None, *self.input_shape))

    def check_gradient(self, gradient: Tensor) -> None:
        """Raise unless there was a forward, with an output of the gradient's shape."""
        if self.a is None:
            raise RuntimeError(f"{self.name}: call forward before backward")
        check_shape(f"{self.name}: ∂L/∂a", gradient, shape(self.a))


class Weighted(Layer):
    """A layer with arguments such as `kernel_initializer`, `bias_regularizer`, `bias_constraint`.

    Attributes
    ----------
    starts : dict of str to str
        With what the arguments of each parameter begin, in order.
    initializers : dict of str to Initializer
        That of each parameter.
    """

    starts: ClassVar[dict[str, str]] = {"kernel": "kernel", "bias": "bias"}

    def take(self, arguments: Mapping[str, Any]) -> None:
        """Keep what the constructor's arguments, its `locals()`, say of the parameters."""
        self.initializers: dict[str, initializers.Initializer] = {}
        for parameter, start in self.starts.items():
            first, penalty, limit = (
                f"{start}_{kind}" for kind in ("initializer", "regularizer", "constraint")
            )
            self.initializers[parameter] = initializers.get(arguments[first], first)
            if found := regularizers.get(arguments.get(penalty), penalty):
                self.regularizers[parameter] = found
            if kept := constraints.get(arguments.get(limit), limit):
                self.constraints[parameter] = kept
        activity = "activity_regularizer"
        self.activity_regularizer = regularizers.get(arguments.get(activity), activity)

    def make(self, shapes: Mapping[str, Shape], rng: Random) -> None:
        """Make the parameters, of these shapes, in order."""
        self.parameters = {name: self.initializers[name](of, rng) for name, of in shapes.items()}
