"""Average a network's weights over the steps of its training: the average makes fewer mistakes than its last step."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


class Average:
    """An exponential moving average of variables, kept beside the network so that training goes on undisturbed.

    The moving statistics of batch normalisation are averaged with the weights, as they belong to the same steps;
    integers (the state of a random generator) are copied. On the host in numpy it is the same on every backend, and
    cheaper on a processor than an operation of the backend for each variable.
    Source: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging"; with statistics, as in
    Tan and Le 2019, "EfficientNet", section 5.2.
    """

    def __init__(self, variables: Iterable[Any], decay: float) -> None:
        self.decay = decay
        self.values: list[npt.NDArray] = [np.asarray(variable).copy() for variable in variables]
        self.steps = 0
        """Steps followed so far."""

    def follow(self, variables: Sequence[Any]) -> None:
        """Take in the variables after a step: average <- d average + (1 - d) variable.

        d is the decay, but (1 + t) / (10 + t) at most after t steps, so that the beginning is soon forgotten.
        """
        share = np.float32(1 - min(self.decay, (1 + self.steps) / (10 + self.steps)))
        for place, variable in enumerate(variables):
            now, value = np.asarray(variable).copy(), self.values[place]
            # A new array each time: JAX may go on using the memory of one that it was given.
            floating = np.issubdtype(value.dtype, np.floating)
            self.values[place] = value + share * (now - value) if floating else now
        self.steps += 1

    def give(self, variables: Iterable[Any]) -> None:
        """Set the variables of a network of the same build to the average."""
        for variable, value in zip(variables, self.values, strict=True):
            variable.assign(value)
