"""The doctor's checks, each importing what it checks in its own body: one broken package fails one check."""

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from edgeface.app.doctor import Probe, python_version, word_size
from edgeface.config import Config
from edgeface.errors import CameraError, EmbeddingMismatch, MissingExtra, StoreError


def make_probes(config: Config, *, camera: bool, ask: Callable[[], str] | None = None) -> list[tuple[str, Probe]]:
    """Return the checks, in the order in which their failures should be mended; `ask` asks for a passphrase."""
    probes: list[tuple[str, Probe]] = [
        ("python", python_version),
        ("64-bit", word_size),
        ("numpy", lambda: _import("numpy", "numpy").__version__),
        ("opencv", lambda: _import("cv2", "opencv-python-headless").__version__),
        ("runtime", _runtime),
        ("detector", lambda: _detector(config)),
        ("model", lambda: _model(config)),
        ("gallery", lambda: _gallery(config, ask)),
    ]
    return [*probes, ("camera", lambda: _camera(config))] if camera else probes


def _import(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise MissingExtra(f"{module} cannot be imported: {reason}", hint=f"pip install {package}") from error


def _wiring() -> ModuleType:
    return _import("edgeface.wiring", "--force-reinstall edgeface")


def _wiring_cameras() -> ModuleType:
    return _import("edgeface.wiring_cameras", "--force-reinstall edgeface")


def _succession() -> ModuleType:
    return _import("edgeface.succession", "--force-reinstall edgeface")


def _runtime() -> str:
    families = _import("edgeface.drivers.runtime", "numpy").available()
    if not families:
        raise MissingExtra("no TFLite runtime is installed", hint="pip install ai-edge-litert")
    return ", ".join(f"{family} {version(family)}" for family in families)


def _detector(config: Config) -> str:
    return repr(_wiring().make_detector(config))


def _model(config: Config) -> str:
    wiring = _wiring()
    with suppress(StoreError):  # the gallery's own check tells of it
        config = _succession().in_use(config)
    bundle = wiring.read_model(config)
    embedder = wiring.make_embedder(config, bundle)
    threshold = wiring.make_policy(config, bundle).threshold
    kept = f"golden vector kept, threshold {threshold:.3f}"
    return f"{bundle.card.name} {embedder.model[:12]}…, {embedder!r}, {kept}"


def _gallery(config: Config, ask: Callable[[], str] | None) -> str:
    from edgeface.drivers.gallery_file import exists  # without numpy, which may be what is broken

    path = Path(config.gallery.path)
    if not exists(path):
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not os.access(folder, os.W_OK):
            raise StoreError(
                f"gallery {path} cannot be made: {folder} is not writable",
                hint="give another place with --gallery, or set gallery.path",
            )
        return f"none yet, `edgeface enroll` makes {path}"
    wiring = _wiring()
    with wiring.open_gallery(config, "", ask=ask) as gallery:
        gallery.check_writable()
        people = gallery.people()
        gallery.templates()
    models = {person.model for person in people if person.looks}
    config = _succession().in_use(config)
    if models and models != {wiring.read_model(config).variant(config.recognition.variant).sha256}:
        raise EmbeddingMismatch(
            f"gallery {path} was made with another model: {', '.join(model[:12] for model in sorted(models))}…",
            hint="enrol everybody again in another gallery file, or use that model with --model",
        )
    return f"{path}, {len(people)} people"


def _camera(config: Config) -> str:
    each = _wiring_cameras().camera_configs(config).items()
    return "; ".join((f"{name}: " if name else "") + _one_camera(own) for name, own in each)


def _one_camera(config: Config) -> str:
    with _wiring_cameras().make_camera(config) as camera:
        name, frame = camera.name, next(iter(camera.frames()), None)
    if frame is None:
        raise CameraError(f"camera {name} gives no frame", hint="name another with --camera")
    height, width = frame.image.shape[:2]
    return f"{name}, {width}x{height}"
