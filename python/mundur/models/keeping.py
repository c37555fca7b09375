"""What a model shows of itself and keeps in files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from .._support.checks import integer
from .._support.names import checked_keywords
from .compiled import Compiled

if TYPE_CHECKING:
    from ..text.part import TextPart
    from .model import Model

__all__ = ["Keeping"]


class Keeping(Compiled):
    """A compiled chain with a summary and files."""

    _text: TextPart | None = None  # of a `TextClassifier`: files hold it beside the layers

    @checked_keywords(
        ignored={"expand_nested": False, "show_trainable": False, "layer_range": None}
    )
    def summary(
        self,
        line_length: int | None = None,
        positions: None = None,
        print_fn: Any = None,
        *,
        batch_size: int = 32,
    ) -> None:
        """Prints layers, shapes, parameters and memory.

        Parameters
        ----------
        line_length : int, optional
            Columns, 72 by default.
        positions : None
            Keras's name; no other value is supported.
        print_fn : callable, optional
            Called with each line instead of `print`.
        batch_size : int, default 32
            The batch whose workspace is shown.

        Examples
        --------
        >>> import mundur as md
        >>> md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0).summary()  # doctest: +ELLIPSIS
        Model "model" (float32, seed 0)
        ...
        dense (Dense)                   (None, 2)                              8
        ...
        """
        from . import summary

        if positions is not None:
            raise ValueError(f"positions must be None; got {positions!r}")
        if print_fn is not None and not callable(print_fn):
            raise TypeError(f"print_fn must be callable as print_fn(line); got {print_fn!r:.80}")
        width = None if line_length is None else integer(line_length, "line_length", 40, 10_000)
        for line in summary.lines(cast("Model", self), integer(batch_size, "batch_size", 1), width):
            (print if print_fn is None else print_fn)(line)

    @checked_keywords(ignored={"zipped": None})
    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the whole model to one safetensors file, in one step: the old file or the new.

        It holds layers, weights, compile's arguments, the optimizer's state and the random state,
        so training goes on after `load_model` as if it had never stopped.

        Parameters
        ----------
        filepath : path
            Best ends in ".safetensors". Scripts for Keras end it in ".keras" or ".h5", which works,
            with a warning: the file is not one of Keras's.
        overwrite : bool, default True
            False raises FileExistsError where the file exists.

        Raises
        ------
        OSError
            Where the file cannot be written, naming it.
        ValueError
            Where it is a FIFO, a device or a socket.

        Notes
        -----
        A link stays one, and the file it leads to is replaced. What a killed process left of a
        save, ``.NAME.*.tmp``, is swept by the next save of the same name.

        Examples
        --------
        >>> import mundur as md, tempfile, os
        >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> model.save(path)
        >>> md.load_model(path)
        Model([Dense(2)], seed=0, input_shape=(3,))
        """
        from ..saving import format as serialization

        with self.lock:
            serialization.save_model(cast("Model", self), filepath, overwrite)

    @checked_keywords(ignored={"max_shard_size": None})
    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes parameters and state alone, by name, to a safetensors file."""
        from ..saving import format as serialization

        with self.lock:
            serialization.save_weights(self, filepath, overwrite)

    @checked_keywords(ignored={"skip_mismatch": False})
    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Reads parameters and state by name from a file of `save_weights` or `save`."""
        from ..saving import format as serialization

        with self.lock:
            serialization.load_weights(self, filepath)

    def __reduce__(self) -> Any:
        from ..saving import description as architecture
        from ..saving import format as serialization

        model = cast("Model", self)
        with self.lock:
            custom = architecture.custom_objects(model)
            return serialization.from_bytes, (serialization.to_bytes(model), custom)
