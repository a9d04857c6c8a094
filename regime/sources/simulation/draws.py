"""Random streams of one simulation, one a name, so that a new stream changes no other."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Floats

__all__ = ["Draws", "pulled"]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Random streams of one simulation, one a name.

    A longer simulation draws the same numbers first, and a new stream changes no other.

    Parameters
    ----------
    seed : int
    n : int
        Sessions.

    Examples
    --------
    >>> draws = Draws(seed=1, n=3)
    >>> bool((draws.normal("a") == Draws(seed=1, n=5).normal("a")[:3]).all())
    True
    """

    seed: int
    n: int

    def stream(self, name: str) -> np.random.Generator:
        """Generator of one name; the others do not move it."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def normal(self, name: str, n: int | None = None) -> Floats:
        """Standard normal numbers, shape (n,)."""
        return self.stream(name).standard_normal(self.n if n is None else n)

    def uniform(self, name: str) -> Floats:
        """Uniform numbers in [0, 1), shape (n,)."""
        return self.stream(name).random(self.n)

    def heavy(self, name: str, degrees: float = 8.0) -> Floats:
        """Student's t with variance 1, shape (n,)."""
        return np.asarray(self.stream(name).standard_t(degrees, self.n) * np.sqrt(1 - 2 / degrees))

    def wobble(self, name: str, size: float, halflife: float = 7.0, n: int | None = None) -> Floats:
        """Noise around 0 that decays by half in `halflife` steps.

        Parameters
        ----------
        name : str
        size : float
            Deviation.
        halflife : float
            Steps.
        n : int, optional
            Steps; by default one a session.

        Returns
        -------
        ndarray, shape (n,)
        """
        count = self.n if n is None else n
        keep = 0.5 ** (1 / halflife)
        noise = size * np.sqrt(1 - keep**2) * self.normal(f"wobble {name}", count)
        return pulled(np.zeros(count), 1 - keep, noise, first=0.0)


def pulled(target: Floats, speed: float, noise: Floats, *, first: float) -> Floats:
    """Path that moves a share `speed` of the way to its target each step, plus noise.

    Parameters
    ----------
    target, noise : ndarray, shape (n,)
    speed : float
        In (0, 1].
    first : float
        Where it stands before the first step.

    Returns
    -------
    ndarray, shape (n,)
        No NaN where there is none in `target` and `noise`.
    """
    steps = np.r_[first, target + noise / speed]
    return np.asarray(pd.Series(steps).ewm(alpha=speed, adjust=False).mean().to_numpy()[1:])
