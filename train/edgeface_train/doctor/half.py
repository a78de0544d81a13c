"""A clean list that leaves out half of the people as well, to see what their number is worth."""

from pathlib import Path

import numpy as np

from edgeface_train.chips import Listing
from edgeface_train.doctor.clean import Clean, Decision, apply_clean, write_clean


def leave_half(listing: Listing, known: Clean, path: Path, rng: np.random.Generator) -> None:
    """Write a list that leaves out what a known one does, joins what it joins, and leaves out every second person.

    Raise ConfigError for a known list that does not suit the chips.
    """
    left = apply_clean(listing, known).names
    into = {name: target for name, (target, _) in known.merges.items()}
    gone = {left[place] for place in rng.permutation(len(left))[len(left) // 2 :]}
    drops = [Decision(what, "") for what in known.drops]
    joins = [Decision(name, "", target) for name, target in into.items()]
    half = [Decision(name, "not of this half") for name in listing.names if into.get(name, name) in gone]
    write_clean(path, drops + joins + half)
