"""What all peers share: the same methods, the same clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from layers import Array
from machine import Elapsed, Watch
from workloads import Workload

# A piece so many times longer than what is asked for tells the truth although it woke up first.
WAKING = 4.0


class Measured(NamedTuple):
    """Of one unit; and the cores that were kept busy meanwhile, by this process and by others."""

    microseconds: float
    busy: float
    others: float


class Peer(ABC):
    """A network with a workload's first weights, ready for its data; one library used one way."""

    #: The distribution whose version is recorded.
    library: str
    #: How that library trains.
    mode: str
    #: How it predicts; None: this mode is for training alone.
    prediction: str | None = None
    #: False: this mode is for predictions alone.
    trains = True
    #: Whether it has products in bfloat16.
    has_bfloat16 = False
    #: Where it computes.
    device = "cpu"

    def __init__(self, workload: Workload, threads: int) -> None:
        self.workload = workload
        self.x, self.y = workload.data()
        self.build(threads)

    @classmethod
    def serves(cls, workload: Workload) -> bool:
        if workload.compute_dtype != "float32" and not cls.has_bfloat16:
            return False
        return cls.prediction is not None if workload.predicts else cls.trains

    @abstractmethod
    def build(self, threads: int) -> None:
        """Makes the network from `workload.weights()`."""

    @abstractmethod
    def losses(self, steps: int) -> list[float]:
        """Takes steps on the first batch again and again; each one's loss before the step."""

    @abstractmethod
    def train(self, steps: int) -> None:
        """Takes training steps, a multiple of `grain`."""

    @abstractmethod
    def predict(self, times: int) -> Any:
        """Predicts the first batch so many times, each to its end; the last outputs."""

    @property
    def grain(self) -> int:
        return self.workload.batches if self.workload.shuffled else 1

    @property
    def note(self) -> str:
        """What makes this peer's work differ from the workload, if anything does."""
        return ""

    def batch(self, index: int) -> slice:
        start = index * self.workload.batch_size
        return slice(start, min(start + self.workload.batch_size, self.workload.samples))

    # ---- what the parent asks for ----------------------------------------------------------------
    def witness(self, steps: int) -> Array:
        """What all peers must agree on: the first losses, or the outputs of the first batch."""
        if self.workload.predicts:
            return np.asarray(self.predict(1), np.float64)
        return np.array(self.losses(steps))

    def measure(self, seconds: float) -> Measured:
        """Over about `seconds`."""
        elapsed, steps = self.timed(self.grain), self.grain
        # A library whose smallest piece is long is woken up before it is timed, as all others are.
        if elapsed.seconds < WAKING * seconds:
            steps = ceil(seconds / max(elapsed.seconds, 1e-7)) * self.grain
            # The first piece pays for waking up; a long piece tells the truth.
            if elapsed.seconds < 0.05 * seconds:
                pilot = max(self.grain, steps // 20 // self.grain * self.grain)
                paced = seconds / self.timed(pilot).seconds * pilot
                steps = ceil(paced / self.grain) * self.grain
            elapsed = self.timed(steps)
        units = steps / self.workload.batches if self.workload.shuffled else steps
        return Measured(
            elapsed.seconds / units * 1e6,
            elapsed.own / elapsed.seconds,
            elapsed.others / elapsed.seconds,
        )

    def timed(self, steps: int) -> Elapsed:
        watch = Watch()
        (self.predict if self.workload.predicts else self.train)(steps)
        return watch.read()
