"""Turn a Config into what films: each camera, who supervises it, and what chooses and slows its frames."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from edgeface.app.attention import Attention
from edgeface.app.clock import SteadyClock
from edgeface.app.cooling import Cooling
from edgeface.app.heart import Heart
from edgeface.app.several import worst_of
from edgeface.app.supervise import POLL_SECONDS, SILENT_SECONDS, CameraHealth, SupervisedCamera
from edgeface.config import CameraSettings, Config
from edgeface.core.duty import Duty, DutyLimits
from edgeface.core.faceless import Faceless
from edgeface.core.governor import Governor, GovernorLimits
from edgeface.core.motion import Motion
from edgeface.core.types import AnyEvent
from edgeface.drivers.cameras.choose import is_live, open_camera
from edgeface.drivers.cameras.live import OPEN_SECONDS, without_password
from edgeface.drivers.cameras.reader import JOIN_SECONDS, one_at_a_time
from edgeface.drivers.cameras.source import Source
from edgeface.drivers.notify import Notifier
from edgeface.drivers.thermal import read_heat

SOURCE_STALL_SECONDS = SILENT_SECONDS + 0.5
"""A supervised source gives up a little later than its supervisor, which then calls it stalled and not lost."""


def camera_configs(config: Config) -> dict[str, Config]:
    """Return the settings that hold for each camera by its name; the only one of [camera] has none."""
    if not config.cameras:
        return {"": config}
    return {
        each.name: replace(config, camera=CameraSettings(each.source, each.width, each.height), cameras=())
        for each in config.cameras
    }


def films_live(config: Config) -> bool:
    """Tell whether the configured source is a live one: no video and no folder. Of several cameras ask for each."""
    return is_live(config.camera.source)


def make_clock() -> SteadyClock:
    """Return the time of the frames of live sources."""
    return SteadyClock(time.time, time.monotonic)


def make_camera(config: Config) -> Source:
    """Open the configured source of frames, of several the first."""
    chosen = next(iter(camera_configs(config).values())).camera
    return open_camera(chosen.source, width=chosen.width, height=chosen.height, small_px=config.detection.long_side)


def make_live_camera(
    config: Config,
    clock: SteadyClock,
    tell: Callable[[AnyEvent], None],
    *,
    must_open: bool,
    name: str = "",
    ring: Callable[[], None] | None = None,
) -> SupervisedCamera:
    """Supervise the configured live source. With `must_open` one that does not open at once raises CameraError.

    One of several has a `name`, and rings when it has something, as nobody waits for it.
    """
    chosen = config.camera

    def open_source() -> Source:
        return open_camera(
            chosen.source,
            width=chosen.width,
            height=chosen.height,
            small_px=config.detection.long_side,
            clock=clock,
            stall_seconds=SOURCE_STALL_SECONDS,
            open_seconds=OPEN_SECONDS,
        )

    name = name or (without_password(chosen.source) if "://" in chosen.source else chosen.source)
    return SupervisedCamera(
        name,
        one_at_a_time(open_source, name, ring=ring, join_seconds=0.0 if ring else JOIN_SECONDS),
        clock=clock,
        wait=time.sleep,
        tell=tell,
        must_open=must_open,
        poll_seconds=0.0 if ring else POLL_SECONDS,
    )


def make_attention(config: Config) -> Attention | None:
    """Return what chooses the frames to search; None: every frame is searched, as those of recordings."""
    chosen = config.motion
    if chosen.gate == "never" or (chosen.gate == "live" and not films_live(config)):
        return None
    limits = DutyLimits(
        check_seconds=chosen.check_seconds,
        follow_seconds=config.tracking.patience_seconds,
        idle_after_seconds=chosen.idle_after_seconds,
        idle_period_seconds=1 / chosen.idle_fps,
    )
    return Attention(Duty(Motion(chosen.least_levels), limits), Faceless(chosen.no_face_seconds))


def make_heart(manager: Notifier, cameras: Mapping[str, Source | SupervisedCamera]) -> Heart:
    """Return what feeds the watchdog from the loop; a recording is always well."""

    def health() -> CameraHealth:
        healths = {
            name: camera.health if isinstance(camera, SupervisedCamera) else CameraHealth("ok")
            for name, camera in cameras.items()
        }
        return worst_of(healths) if len(healths) > 1 else next(iter(healths.values()))

    return Heart(manager, health, time.monotonic)


def make_cooling(config: Config, clock: SteadyClock, tell: Callable[[AnyEvent], None]) -> Cooling:
    """Return what slows the loop of a live camera on a hot board."""
    chosen = config.thermal
    limits = GovernorLimits(chosen.slow_above_celsius, chosen.resume_below_celsius, 1 / chosen.slowest_fps)
    return Cooling(read_heat, Governor(limits), clock, tell)
