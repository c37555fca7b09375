"""Layers that are called on a sequence and on the states that it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._support.checks import boolean, shown
from .base import Layer
from .input import is_symbolic
from .masking import SymbolicMask

__all__ = ["WithStates"]


class WithStates(Layer):
    """What is called on a sequence and, if they are given, the states that it begins with."""

    @property
    def _gives_states(self) -> bool:
        raise NotImplementedError

    @property
    def state_sizes(self) -> list[int]:
        """The units of each state that goes from step to step."""
        raise NotImplementedError

    def __call__(  # type: ignore[override]  # Keras's order
        self,
        inputs: Any,
        initial_state: Any = None,
        training: bool = False,
        mask: Any = None,
    ) -> Any:
        """The layer on symbolic values, a piece of a graph; on arrays, its output for them.

        Parameters
        ----------
        inputs : symbolic value or array
            A sequence.
        initial_state : list of symbolic values or of arrays, optional
            The states to begin with, (samples, units) each, in place of zeros: h, of an LSTM h and
            c, as another layer's return_state=True gives them; of a Bidirectional those of the
            layer ahead, then those of the other. One by itself needs no list.
        training : bool, default False
            For arrays: whether dropout drops.
        mask : array of bool (samples, steps), optional
            Which steps are there. In a graph a mask comes with its sequence, from `Masking` or from
            ``Embedding(mask_zero=True)``, and this is none but that one, as their `compute_mask`
            gives it.

        Returns
        -------
        symbolic value, or ndarray (samples, ...)
            With return_state a tuple: y, then the last states.

        Raises
        ------
        TypeError, ValueError
            Where the layer does not fit what it is called on.

        Examples
        --------
        >>> import mundur as md
        >>> words, answer = md.Input((7, 3), name="words"), md.Input((5, 2), name="answer")
        >>> _, h, c = md.layers.LSTM(4, return_state=True)(words)
        >>> y = md.layers.LSTM(4, return_sequences=True)(answer, initial_state=[h, c])
        >>> md.Model([words, answer], y, seed=0).output_shape
        (5, 4)
        """
        if is_symbolic(inputs) and mask is not None:
            if isinstance(mask, SymbolicMask) and mask.comes_with(inputs):
                return self(inputs, initial_state, training)
            raise ValueError(
                f"mask must be the one that comes with the symbolic value that {self.name} is "
                "called on, or None: Masking, or Embedding(mask_zero=True), in front makes one"
            )
        if initial_state is None and mask is None:
            return super().__call__(inputs, training)
        given = () if initial_state is None else initial_state
        if isinstance(inputs, (list, tuple, dict)) and is_symbolic(inputs):
            raise ValueError(f"{self.name} is called on one sequence; got {shown(inputs)}")
        states = list(given) if isinstance(given, (list, tuple)) else [given]
        if initial_state is not None and is_symbolic(inputs) != is_symbolic(states):
            raise TypeError(
                "initial_state must be symbolic values where the sequence is one, and arrays "
                f"where it is an array; got {shown(initial_state)}"
            )
        if is_symbolic(inputs):
            return super().__call__([inputs, *states], training)
        from ..models.single_layer import output_of

        return output_of(self, inputs, boolean(training, "training"), states, mask)

    @property
    def _makes(self) -> int:
        return 1 + (len(self.state_sizes) if self._gives_states else 0)

    def _shapes_behind(self, shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        sequence, *states = shapes
        self.parameter_shapes(sequence), self.state_shapes(sequence)
        made = self.compute_output_shape(sequence)
        wanted = [(units,) for units in self.state_sizes]
        if states and states != wanted:
            told = ", ".join(map(str, wanted))
            raise ValueError(
                f"initial_state of {self.name} must be {len(wanted)} of samples of {told}; got "
                f"{len(states)} of {', '.join(map(str, states))}"
            )
        return [made, *(wanted if self._gives_states else [])]
