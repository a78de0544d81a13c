"""The models that a gallery was upgraded to, each a bundle in a folder beside the gallery."""

from pathlib import Path

from edgeface.card import CARD_NAME, MAX_CARD_BYTES, MAX_MODEL_BYTES, Bundle, read_plain
from edgeface.drivers.durable import make_folder, replacing
from edgeface.drivers.signing import SIGNATURE_NAME
from edgeface.errors import StoreError

SHELF = "models"
"""The folder beside the gallery."""


def shelf_folder(gallery: Path, model: str) -> Path:
    """Return where the bundle of a model, by its file's SHA-256, is kept beside a gallery."""
    return gallery.parent / SHELF / model[:16]


def install(bundle: Bundle, model: str, gallery: Path) -> Path:
    """Copy a bundle beside a gallery; its card comes last, so that what was cut short is no bundle.

    What is there already and the same is left alone. Raise StoreError when it cannot be written, ModelError for a
    file of the bundle that is missing.
    """
    folder = shelf_folder(gallery, model)
    files = [file.path for file in (*bundle.card.files.values(), *bundle.card.cohorts.values())]
    try:
        make_folder(folder)
        for name in [*sorted(set(files)), SIGNATURE_NAME, CARD_NAME]:
            source = bundle.folder / name
            if name == SIGNATURE_NAME and not source.exists():
                continue
            _copy(source, folder / name, MAX_CARD_BYTES if name == CARD_NAME else MAX_MODEL_BYTES)
    except OSError as error:
        raise StoreError(
            f"the model cannot be kept in {folder}: {error.strerror}", hint="check permissions and free space"
        ) from error
    return folder


def _copy(source: Path, target: Path, most: int) -> None:
    content = read_plain(source, "file of a bundle", most)
    if not target.exists() or target.read_bytes() != content:
        with replacing(target) as draft:
            draft.write_bytes(content)
