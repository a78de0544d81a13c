"""Do to an installed service what happens to one in years, and print as JSON how long it took to be well again."""

import argparse
import sys
import time

from confined import opens, own_limits
from container import Container, Event, until
from trials import CAMERA, PATIENCE, Measured, Trial, attempt, expect, film, patiently, watch_camera

NAME = "astronaut"
STATE = "/var/lib/edgeface"
PRIVATE = "/var/lib/private/edgeface"
"""Where systemd keeps the state of a unit with DynamicUser=yes."""
SETTINGS = "/etc/edgeface/config.toml"
PROGRAM = "/usr/bin/env"
STORE_ERROR, PERMISSION_DENIED = 7, 13
DECODER = "edgeface.drivers.cameras.stream_worker"
FILM = ("/root/stream.py", "/root/astronaut.png")

ONE_LOOK = r"\n[recognition]\nvotes_needed = 1\nvotes_of = 1\n\n[tracking]\npatience_seconds = 60\n"
"""A name after one look, for a busy machine may have none to spare while a track lasts. It is not the votes that are
tried here."""


def install(box: Container) -> Measured:
    """Install the package, and find the service running and enabled."""
    started = time.monotonic()
    box.run("dpkg", "--install", "/root/edgeface.deb")
    seconds = round(time.monotonic() - started, 1)
    until(lambda: box.property("ActiveState") == "active", PATIENCE, "the service is not active")
    enabled = [box.says("systemctl", "is-enabled", unit) for unit in ("edgeface.service", "edgeface-backup.timer")]
    expect(enabled == ["enabled", "enabled"], f"not enabled: {enabled}")
    return {"install": seconds}


def recognise(box: Container) -> Measured:
    """Enrol as root while the service runs, tell it of a camera by a reload, and wait for the name."""
    box.run("edgeface", "enroll", "--name", NAME, "/root/astronaut.png")
    owner = box.says("stat", "--format=%U %a", f"{STATE}/gallery.db")
    expect(owner == "edgeface 600", f"the gallery belongs to {owner}")
    watch_camera(box)
    box.run("sh", "-c", f"printf '{ONE_LOOK}' >>/etc/edgeface/config.toml")
    film(box, *FILM)
    before, process = time.time(), box.property("MainPID")
    box.run("systemctl", "reload", "edgeface")
    seconds = until(lambda: _arrived(box, before), PATIENCE, "nobody was recognised after the reload")
    expect(box.property("MainPID") == process, "the reload was a restart")
    return {"reload_to_name": seconds}


def confine(box: Container) -> Measured:
    """Have the decoder of the camera open files of its own user: a program goes, gallery and settings do not.

    The service may open all of them, so that it is not the sandbox of the unit which refuses.
    """
    process, before = box.property("MainPID"), time.time()
    files = (PROGRAM, f"{STATE}/gallery.db", SETTINGS)
    limits = patiently(lambda: _ask_decoder(box, process, files))
    refused = patiently(lambda: opens(box, process, files))
    expect(not any(refused), f"the service opens {files} with {refused}")
    until(lambda: _sees(box), PATIENCE, "the camera is not well afterwards")
    expect(box.property("MainPID") == process, "the service did not live through it")
    lost = sum(event["kind"] == "camera" and event["state"] == "faulty" for event in box.watching(before))
    return {"decoder_refused": list(files[1:]), "decoder_limits": limits, "decoder_faults": lost}


def _ask_decoder(box: Container, service: str, files: tuple[str, ...]) -> dict[str, str]:
    """Return the decoder's limits when of the files it may open the first alone. Raise Broken otherwise."""
    decoder = box.says("pgrep", "--parent", service, "--full", DECODER)
    expect(decoder.isdecimal(), f"not one decoder: {decoder or 'none'}")
    limits, status = own_limits(box, decoder), box.run("cat", f"/proc/{decoder}/status").stdout
    for word in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000"):
        expect(word in status, f"the decoder's status has no {word}")
    refused = opens(box, decoder, files)
    expect(refused == [0, PERMISSION_DENIED, PERMISSION_DENIED], f"the decoder opens {files} with {refused}")
    return limits


def kill(box: Container) -> Measured:
    """Kill the process; systemd starts another."""
    return {f"killed_to_{what}": seconds for what, seconds in _end_and_return(box, "KILL").items()}


def hang(box: Container) -> Measured:
    """Stop the process in the middle of its loop; the watchdog notices."""
    before = time.time()
    measured = _end_and_return(box, "STOP")
    log = box.says("journalctl", "--unit=edgeface", f"--since=@{before:.3f}")
    expect("atchdog timeout" in log, "it was not the watchdog that ended it")
    return {f"hung_to_{what}": seconds for what, seconds in measured.items()}


def lose_camera(box: Container) -> Measured:
    """Take the camera away for ten seconds; the same process says so, and finds it again."""
    process, before = box.property("MainPID"), time.time()
    box.run("systemctl", "stop", "camera")
    lost = until(
        lambda: _camera(box, before, "faulty", "lost", "stalled", "unavailable"),
        PATIENCE,
        "the lost camera was not told of",
    )
    time.sleep(10)
    again = time.time()
    film(box, *FILM)
    found = until(lambda: _camera(box, again, "ok"), PATIENCE, "the camera was not found again")
    expect(box.property("MainPID") == process, "the service did not live through it")
    return {"camera_lost_to_told": lost, "camera_back_to_ok": found}


def fill_disk(box: Container) -> Measured:
    """Fill the disk of the gallery: a restart goes well, enrolling is refused until there is room."""
    box.run("systemctl", "stop", "edgeface")
    box.run("sh", "-euc", f"cp -a {PRIVATE} /root/kept; mount -t tmpfs -o size=2m,mode=0700 tmpfs {PRIVATE}")
    try:
        box.run("sh", "-euc", f"cp -a /root/kept/. {PRIVATE}; chown edgeface:edgeface {PRIVATE}")
        box.run("systemctl", "start", "edgeface")
        return _with_full_disk(box)
    finally:
        box.run("systemctl", "stop", "edgeface")
        box.run("umount", PRIVATE)
        box.run("systemctl", "start", "edgeface")


def _with_full_disk(box: Container) -> Measured:
    # By force, as the photo looks like somebody who is enrolled already.
    another = ["edgeface", "enroll", "--force", "--name", "another", "/root/astronaut.png"]
    box.run("dd", "if=/dev/zero", f"of={PRIVATE}/filler", "bs=4096", ask=True)
    refused = box.run(*another, ask=True)
    expect(refused.returncode == STORE_ERROR, f"enrolling on a full disk ends with code {refused.returncode}")
    process, before = box.property("MainPID"), time.time()
    box.run("systemctl", "restart", "edgeface")
    seconds = until(lambda: box.is_new(process) and _arrived(box, before), PATIENCE, "no name after a restart")
    box.run("rm", f"{PRIVATE}/filler")
    box.run(*another)
    box.run("edgeface", "forget", "another")
    return {"full_disk_restart_to_name": seconds}


def stop(box: Container) -> Measured:
    """Stop cleanly while somebody is present: who is there leaves, and the exit code is 0."""
    before = time.time()
    box.run("systemctl", "restart", "edgeface")
    until(lambda: _arrived(box, before), PATIENCE, "nobody was recognised")
    started = time.monotonic()
    box.run("systemctl", "stop", "edgeface")
    seconds = round(time.monotonic() - started, 1)
    ended = [box.property(name) for name in ("Result", "ExecMainStatus", "ActiveState")]
    expect(ended == ["success", "0", "inactive"], f"it ended with {ended}")
    expect(any(event["kind"] == "left" for event in box.watching(before)), "nobody left at the end")
    return {"stop": seconds}


def upgrade(box: Container) -> Measured:
    """Install a higher version over the running one; settings and people stay."""
    box.run("systemctl", "start", "edgeface")
    process, settings = box.property("MainPID"), box.says("cat", "/etc/edgeface/config.toml")
    started = time.monotonic()
    box.run("dpkg", "--install", "/root/next.deb")
    seconds = round(time.monotonic() - started, 1)
    until(lambda: box.is_new(process), PATIENCE, "the service was not restarted")
    ended, began = (int(box.property(f"{what}TimestampMonotonic")) for what in ("ActiveExit", "ActiveEnter"))
    expect(box.says("cat", "/etc/edgeface/config.toml") == settings, "the settings changed")
    expect(NAME in box.says("edgeface", "list"), "the people are gone")
    return {"upgrade": seconds, "upgrade_outage": round((began - ended) / 1e6, 1)}


def remove(box: Container) -> Measured:
    """Remove, purge, install again: the people are still there. Purge as somebody who said so: they are gone."""
    box.run("dpkg", "--remove", "edgeface")
    expect(box.run("test", "-e", "/opt/edgeface", ask=True).returncode != 0, "/opt/edgeface is left behind")
    expect(box.property("ActiveState") == "inactive", "the service still runs")
    expect(box.run("test", "-e", "/etc/edgeface/config.toml", ask=True).returncode == 0, "removing lost the settings")
    box.run("dpkg", "--purge", "edgeface")
    expect(box.run("test", "-e", f"{STATE}/gallery.db", ask=True).returncode == 0, "purging lost the gallery, unasked")
    box.run("dpkg", "--install", "/root/next.deb")
    expect(NAME in box.says("edgeface", "list"), "the gallery that stayed is not found")
    box.run("sh", "-c", "echo edgeface edgeface/purge-gallery boolean true | debconf-set-selections")
    started = time.monotonic()
    box.run("dpkg", "--purge", "edgeface")
    left = _left_behind(box)
    expect(not left, f"left behind: {left}")
    return {"purge": round(time.monotonic() - started, 1)}


def install_by_script(box: Container) -> Measured:
    """Install from a checkout, twice, and uninstall: settings and people stay until they are to go too."""
    script = "/root/checkout/deploy/install.sh"
    started = time.monotonic()
    box.run(script, "--wheels", "/root/wheels", "--camera", CAMERA)
    seconds = round(time.monotonic() - started, 1)
    until(lambda: box.property("ActiveState") == "active", PATIENCE, "the service is not active")
    box.run("edgeface", "enroll", "--name", NAME, "/root/astronaut.png")
    process, settings = box.property("MainPID"), box.says("cat", "/etc/edgeface/config.toml")
    box.run(script, "--wheels", "/root/wheels", "--camera", "1")
    until(lambda: box.is_new(process), PATIENCE, "the service was not restarted")
    expect(box.says("cat", "/etc/edgeface/config.toml") == settings, "the settings changed")
    expect(NAME in box.says("edgeface", "list"), "the people are gone")
    box.run(script, "--uninstall")
    kept = box.says("sh", "-c", f"ls {STATE}/gallery.db /etc/edgeface/config.toml").splitlines()
    expect(len(kept) == 2, f"uninstalling kept only {kept}")
    box.run(script, "--uninstall", "--purge-gallery")
    expect(not _left_behind(box), f"left behind: {_left_behind(box)}")
    return {"install_by_script": seconds}


TRIALS: tuple[Trial, ...] = (
    install, recognise, confine, kill, hang, lose_camera, fill_disk, stop, upgrade, remove,
    install_by_script,
)  # fmt: skip


def _sees(box: Container) -> bool:
    return box.property("StatusText").startswith("camera ok")


def _left_behind(box: Container) -> str:
    """Return which traces of edgeface are still there."""
    places = f"{STATE}* /var/lib/private/edgeface /etc/edgeface /etc/systemd/system/edgeface* /opt/edgeface*"
    return box.says("sh", "-c", f"ls -d {places} 2>/dev/null; getent passwd edgeface")


def _arrived(box: Container, since: float) -> bool:
    return any(event["kind"] == "arrived" and event["name"] == NAME for event in box.watching(since))


def _camera(box: Container, since: float, state: str, *reasons: str) -> bool:
    def is_it(event: Event) -> bool:
        return event["kind"] == "camera" and event["state"] == state and (not reasons or event["reason"] in reasons)

    return any(map(is_it, box.watching(since)))


def _end_and_return(box: Container, signal: str) -> Measured:
    process, before = box.property("MainPID"), time.time()
    box.run("kill", f"-{signal}", process)
    started = time.monotonic()
    ready = until(lambda: box.is_new(process), PATIENCE, f"the service did not return after SIG{signal}")
    until(lambda: _arrived(box, before), PATIENCE, f"nobody was recognised after SIG{signal}")
    return {"ready": ready, "name": round(time.monotonic() - started, 1)}


def main() -> int:
    """Run every trial and print one line; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nspawn", type=int, help="the process of systemd-nspawn")
    parser.add_argument("--suite", required=True)
    given = parser.parse_args()
    return attempt(Container(given.nspawn), TRIALS, "systemd", given.suite)


if __name__ == "__main__":
    sys.exit(main())
