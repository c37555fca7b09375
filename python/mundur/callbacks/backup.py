"""A training that goes on by itself after it was broken off."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._support.checks import WrongType, boolean
from .._support.names import checked_keywords
from .base import Callback, Logs
from .monitors import ModelCheckpoint

_FILE = "latest.safetensors"


class BackupAndRestore(ModelCheckpoint):
    """Saves the training in a folder while it goes on; after a kill the same `fit` goes on there.

    A `fit` that finds the folder's file goes on from it, to the bit as if it had never stopped, as
    with ``resume_from=``, so x and y must be arrays. The file is written in one step, the old one
    or the new, and removed when a training ends, unless by Ctrl-C.

    Parameters
    ----------
    backup_dir : path
        A folder of this training alone; it is made.
    save_freq : "epoch" or int, default "epoch"
        After each epoch, or after so many batches.
    double_checkpoint : bool, default False
        Keras's; no file is ever half written here.
    delete_checkpoint : bool, default True
        Whether the file goes when a training ends.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; in `fit`, for another model than the file's.

    Examples
    --------
    >>> import mundur as md, numpy as np, os, tempfile
    >>> folder = os.path.join(tempfile.mkdtemp(), "backup")
    >>> def fit(epochs):
    ...     model = md.Model([md.layers.Dense(1)], seed=0)
    ...     model.compile("sgd", "mse")
    ...     backup = md.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
    ...     return model.fit(np.ones((4, 2)), np.ones(4), epochs=epochs, verbose=0,
    ...                      callbacks=[backup])
    >>> fit(epochs=2).epoch, fit(epochs=4).epoch
    ([0, 1], [2, 3])
    """

    @checked_keywords()
    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not isinstance(backup_dir, (str, os.PathLike)) or not os.fspath(backup_dir):
            raise WrongType(f"backup_dir must be the path of a folder; got {backup_dir!r}")
        self.backup_dir = os.fspath(backup_dir)
        super().__init__(
            os.path.join(_literal(self.backup_dir), _FILE), "loss", save_freq=save_freq
        )
        self.double_checkpoint = boolean(double_checkpoint, "double_checkpoint")
        self.delete_checkpoint = boolean(delete_checkpoint, "delete_checkpoint")

    @property
    def found(self) -> str | None:
        """The file of a training that was broken off, if there is one."""
        path = os.path.join(self.backup_dir, _FILE)
        return path if os.path.isfile(path) else None

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Removes the file."""
        history = self.model.history
        interrupted = history is not None and history.stop_reason == "interrupted"
        if self.delete_checkpoint and self.found and not interrupted:
            os.remove(os.path.join(self.backup_dir, _FILE))


def _literal(path: str) -> str:
    """A path that `format` leaves as it is."""
    return path.replace("{", "{{").replace("}", "}}")


def backup_among(callbacks: Sequence[Callback], of_arrays: bool) -> str | None:
    """The file that `fit` goes on from by itself; a TypeError where it could not."""
    backups = [one for one in callbacks if isinstance(one, BackupAndRestore)]
    if backups and not of_arrays:
        raise WrongType(
            "BackupAndRestore goes with x and y as arrays, without steps_per_epoch or an augment "
            "written in Python: what an iterable has given already could not be known later; "
            "ModelCheckpoint, load_model and initial_epoch= go with iterables"
        )
    return backups[0].found if backups else None
