"""Numbers of a training for TensorBoard, through its own writer."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from .._support.checks import WrongType, integer
from .._support.names import checked_keywords, either
from .base import BuiltIn, Logs

_BUCKETS = 30


class TensorBoard(BuiltIn):
    """Writes losses, metrics, the learning rate and histograms of weights for TensorBoard.

    ``tensorboard --logdir logs`` shows them: in "train" and "validation" as "epoch_loss" and so on,
    by epoch; with `update_freq` as "batch_loss" by steps too. Needs the package tensorboard.

    Parameters
    ----------
    log_dir : path, default "logs"
    histogram_freq : int, default 0
        After every so many epochs a histogram of each parameter; 0 is none.
    write_graph : bool, default True
        Keras's; what it writes is TensorFlow's graph, and there is none.
    update_freq : "batch", "epoch" or int, default "epoch"
        After how many batches the numbers so far are written.
    write_images, write_steps_per_second, profile_batch, embeddings_freq, embeddings_metadata
        Keras's, with one value here.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.
    ImportError
        In `fit`, without tensorboard.

    Examples
    --------
    >>> import mundur as md
    >>> md.callbacks.TensorBoard("runs/first", histogram_freq=1)
    TensorBoard(log_dir='runs/first', histogram_freq=1)
    """

    @checked_keywords(
        ignored={
            "write_graph": either(True, False),
            "write_images": False,
            "write_steps_per_second": False,
            "profile_batch": 0,
            "embeddings_freq": 0,
            "embeddings_metadata": None,
        }
    )
    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        *,
        update_freq: str | int = "epoch",
    ) -> None:
        if not isinstance(log_dir, (str, os.PathLike)) or not os.fspath(log_dir):
            raise WrongType(f"log_dir must be the path of a folder; got {log_dir!r}")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = integer(histogram_freq, "histogram_freq")
        if isinstance(update_freq, str) and update_freq not in ("batch", "epoch"):
            raise ValueError(
                f'update_freq must be "batch", "epoch" or an integer; got {update_freq!r}'
            )
        self.update_freq = (
            update_freq if isinstance(update_freq, str) else integer(update_freq, "update_freq", 1)
        )
        self._writers: dict[str, Any] = {}
        self._step = 0
        if self.update_freq != "epoch":  # on the object: hooks for batches cost time
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Opens the writers."""
        self._step = 0
        _writing()

    def _after_batch(self, batch: int, logs: Logs | None = None) -> None:
        every = 1 if self.update_freq == "batch" else int(self.update_freq)
        self._step += 1
        if self._step % every == 0:
            for name, value in (logs or {}).items():
                self._write("train", f"batch_{name}", value, self._step)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes the epoch's numbers."""
        numbers = dict(logs or {})
        optimizer = self.model.optimizer
        if optimizer is not None:
            numbers.setdefault("learning_rate", float(optimizer.learning_rate))
        for name, value in numbers.items():
            where = "validation" if name.startswith("val_") else "train"
            self._write(where, f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for name, values in self.model._parameter_views().items():
                self._write("train", f"{name}/histogram", values, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Closes the writers."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _write(self, where: str, tag: str, value: Any, step: int) -> None:
        make_writer, event, summary = _writing()
        if where not in self._writers:
            self._writers[where] = make_writer(os.path.join(self.log_dir, where))
        if np.ndim(value) == 0:
            entry = summary.Value(tag=tag, simple_value=float(value))
        else:
            entry = summary.Value(tag=tag, histo=_histogram(value))
        whole = summary(value=[entry])
        self._writers[where].add_event(event(wall_time=time.time(), step=step, summary=whole))


def _writing() -> tuple[Any, Any, Any]:
    """TensorBoard's writer, and the messages that it writes."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise ImportError("TensorBoard needs its package: pip install tensorboard") from error
    return EventFileWriter, Event, Summary


def _histogram(values: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import HistogramProto

    numbers = np.asarray(values, np.float64).ravel()
    counts, edges = np.histogram(numbers, _BUCKETS)
    return HistogramProto(
        min=float(numbers.min()),
        max=float(numbers.max()),
        num=float(numbers.size),
        sum=float(numbers.sum()),
        sum_squares=float((numbers**2).sum()),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )
