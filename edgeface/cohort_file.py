"""Keep a bundle's cohort of strangers in a file beside its models, known to the card by its SHA-256."""

import hashlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import numpy.typing as npt

from edgeface.card import Bundle, CohortFile, read_plain, write_card
from edgeface.core.calibration import LEAST_STRANGERS
from edgeface.core.cohort import Cohort, quantised, restored
from edgeface.errors import CardMismatch, ModelError

NPY = b"\x93NUMPY\x01\x00"
MAX_BYTES = 8 * 2**20
AGAIN = "copy the whole bundle again, or make strangers with `edgeface data cohort`"


def read_cohort(bundle: Bundle, variant: str = "") -> Cohort | None:
    """Return the strangers of a variant, the default one unless named; None where the bundle has none.

    Raise CardMismatch for another file than the card describes, ModelError for one that cannot be used.
    """
    described = bundle.card.cohorts.get(variant or bundle.card.default_variant)
    if described is None:
        return None
    path = bundle.folder / described.path
    try:
        content = read_plain(path, "cohort", MAX_BYTES)
    except OSError as error:
        raise ModelError(f"cohort {path} cannot be read: {error.strerror}", hint=AGAIN) from error
    if hashlib.sha256(content).hexdigest() != described.sha256:
        raise CardMismatch(f"cohort {path} is not the one its card describes", hint=AGAIN)
    numbers = _numbers(content, (described.strangers, bundle.card.embedding_size))
    if numbers is None or described.strangers < LEAST_STRANGERS:
        wanted = f"at least {LEAST_STRANGERS} strangers of {bundle.card.embedding_size} values of 8 bits"
        raise ModelError(f"cohort {path} is unusable: it does not hold {wanted}", hint=AGAIN)
    try:
        vectors = restored(numbers)
    except ValueError as error:
        raise ModelError(f"cohort {path} is unusable: {error}", hint=AGAIN) from error
    return Cohort(vectors, described.offset, described.scale, described.shape)


def _numbers(content: bytes, shape: tuple[int, int]) -> npt.NDArray[np.int8] | None:
    """Return what an .npy file of version 1 holds, or None where it is not of that shape, in 8 bits, row by row.

    NumPy would have Python's parser read the header, which a hostile one gets through with errors of many kinds.
    """
    begin = 10 + int.from_bytes(content[8:10], "little")
    header = content[10:begin]
    of_bytes = b"'descr': '|i1'" in header and b"'fortran_order': False" in header
    if not content.startswith(NPY) or not of_bytes or len(content) - begin != shape[0] * shape[1]:
        return None
    return np.frombuffer(content, np.int8, offset=begin).reshape(shape)


def write_cohort(bundle: Bundle, variant: str, cohort: Cohort, *, people: int) -> Bundle:
    """Write the strangers of a variant, then the card that knows them. `people` is from how many they are blended."""
    bundle.variant(variant)
    file = BytesIO()
    np.save(file, quantised(cohort.vectors))
    path = f"cohort-{variant}.npy"
    (bundle.folder / path).write_bytes(file.getvalue())
    described = CohortFile(
        path=path,
        sha256=hashlib.sha256(file.getvalue()).hexdigest(),
        strangers=len(cohort.vectors),
        offset=round(cohort.offset, 5),
        scale=round(cohort.scale, 5),
        shape=round(cohort.shape, 4),
        people=people,
    )
    return write_card(bundle.folder, replace(bundle.card, cohorts={**bundle.card.cohorts, variant: described}))
