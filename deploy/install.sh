#!/bin/sh
# Put edgeface on a Raspberry Pi (64-bit Raspberry Pi OS Bookworm or Trixie) or another Debian of that age, as a
# service. Run it again to upgrade: settings and gallery stay.
set -eu

USAGE="Usage: sudo deploy/install.sh [--camera SOURCE] [--wheels FOLDER] [--no-start]
       sudo deploy/install.sh --uninstall [--purge-gallery]

  --camera SOURCE   What the service watches: a webcam's number, picamera2, rtsp://... By default picamera2 where
                    python3-picamera2 is installed, or else webcam 0. Settings that are there already stay.
  --wheels FOLDER   Take every package from this folder, and nothing from the network.
  --no-start        Install the service without starting it.
  --uninstall       Remove the program and its units. Settings, gallery and the user edgeface stay.
  --purge-gallery   With --uninstall: also erase settings, gallery, backups, models sent here, and the user."

OLDEST='(3, 11)'
HERE=$(cd "$(dirname "$0")/.." && pwd)
UNITS="edgeface.service edgeface@.service edgeface-backup.service edgeface-backup.timer edgeface-sweep.service edgeface-sweep.timer"

say() { printf 'install.sh: %s\n' "$*"; }

fail() { # CODE MESSAGE HINT
    printf 'install.sh: %s\n  %s\n' "$2" "$3" >&2
    exit "$1"
}

# Only where systemd runs; a tree that is being prepared gets the files, and starts with them later.
systemd() {
    if [ -d /run/systemd/system ]; then systemctl "$@"; fi
}

check_system() {
    [ "$(id -u)" = 0 ] || fail 2 "this needs root" "sudo deploy/install.sh"
    if [ -e /var/lib/dpkg/info/edgeface.list ]; then
        fail 2 "edgeface is here as a Debian package" "upgrade it with apt install ./edgeface_*.deb, or remove it with apt remove edgeface"
    fi
}

check_machine() {
    architecture=$(dpkg --print-architecture)
    case $architecture in
    arm64 | amd64) ;;
    *) fail 3 "this is a $architecture system, and edgeface runs on 64-bit ones only (arm64, amd64)" \
        "install the 64-bit Raspberry Pi OS: there is no TFLite, OpenCV or NumPy package for less" ;;
    esac
    version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo missing)
    python3 -c "import sys; sys.exit(sys.version_info < $OLDEST)" 2>/dev/null ||
        fail 3 "Python is $version, and edgeface needs 3.11 or newer" \
            "Raspberry Pi OS Bookworm and Trixie have it: upgrade the system"
    python3 -c 'import ensurepip' 2>/dev/null || fail 6 "the module venv of Python is missing" "sudo apt install python3-venv"
}

has_picamera2() { python3 -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("picamera2"))'; }

# Settings that are there stay, whatever they say.
write_settings() {
    install -d -m 755 /etc/edgeface
    if [ -e /etc/edgeface/config.toml ]; then
        say "settings stay: /etc/edgeface/config.toml"
        return
    fi
    if [ -z "$camera" ]; then
        camera=0
        if has_picamera2; then camera=picamera2; fi
    fi
    escaped=$(printf %s "$camera" | sed 's/[\\"]/\\&/g; s/[\\&|]/\\&/g')
    sed "s|^source = .*|source = \"$escaped\"|" "$HERE/deploy/config.toml" >/etc/edgeface/config.toml.part
    mv /etc/edgeface/config.toml.part /etc/edgeface/config.toml
    say "wrote /etc/edgeface/config.toml: camera $camera"
}

make_environment() {
    if [ -n "$wheels" ]; then
        "$HERE/deploy/make-venv" --no-index --find-links "$wheels" "edgeface[$EXTRAS]"
        return
    fi
    source=$(mktemp -d)
    # A copy, for building leaves files behind.
    (cd "$HERE" && cp -r pyproject.toml README.md LICENSE edgeface train "$source")
    constraints=$source/constraints.txt
    case $(python3 -c 'import numpy; print(numpy.__version__)' 2>/dev/null) in
    '') cp "$HERE/constraints.txt" "$constraints" ;;
    1.*)
        grep -v -e '^numpy==' -e '^ml_dtypes==' -e '^opencv-python-headless==' "$HERE/constraints.txt" |
            cat - "$HERE/deploy/constraints-numpy1.txt" >"$constraints"
        ;;
    *) grep -v '^numpy==' "$HERE/constraints.txt" >"$constraints" ;;
    esac
    code=0
    "$HERE/deploy/make-venv" --constraint "$constraints" "${source}[$EXTRAS]" || code=$?
    rm -rf "$source"
    [ $code = 0 ] || fail 1 "the packages cannot be installed" "see above; what was installed before still is"
}

install_edgeface() {
    check_machine
    say "installing into /opt/edgeface; on a Pi this takes some minutes"
    make_environment
    install -d /etc/sysusers.d /usr/local/bin /etc/systemd/system
    install -m 644 "$HERE/deploy/sysusers.conf" /etc/sysusers.d/edgeface.conf
    systemd-sysusers edgeface.conf
    write_settings
    if [ ! -e /var/lib/edgeface ] && [ ! -e /var/lib/private/edgeface ]; then
        install -d -m 700 -o edgeface -g edgeface /var/lib/edgeface
    fi
    ln -sfn /opt/edgeface/bin/edgeface /usr/local/bin/edgeface
    for unit in $UNITS; do
        install -m 644 "$HERE/systemd/$unit" "/etc/systemd/system/$unit"
    done
    systemd daemon-reload
    if [ "$start" = yes ]; then
        systemd --quiet enable edgeface.service edgeface-backup.timer edgeface-sweep.timer
        systemd restart edgeface.service edgeface-backup.timer edgeface-sweep.timer
        systemd try-restart 'edgeface@*.service'
    fi
    say "$(/opt/edgeface/bin/edgeface --version) is installed; next: sudo edgeface enroll --name alice alice.jpg"
}

uninstall() {
    systemd --quiet disable --now edgeface.service edgeface-backup.timer edgeface-sweep.timer 2>/dev/null || true
    systemd stop 'edgeface@*.service' edgeface-backup.service edgeface-sweep.service 2>/dev/null || true
    for unit in $UNITS; do rm -f "/etc/systemd/system/$unit"; done
    systemd daemon-reload
    rm -rf /opt/edgeface /opt/edgeface.d
    rm -f /usr/local/bin/edgeface /etc/sysusers.d/edgeface.conf
    if [ "$purge" = yes ]; then
        rm -rf /etc/edgeface /var/lib/edgeface /var/lib/private/edgeface /var/lib/edgeface-models
        if getent passwd edgeface >/dev/null; then userdel edgeface; fi
        say "edgeface is gone, and so are its settings, gallery, backups and models"
    else
        # The user stays too, or a later one might get its number and the faces with it.
        say "edgeface is gone; its settings (/etc/edgeface) and its gallery (/var/lib/edgeface) are still here"
    fi
}

camera='' wheels='' start=yes action=install_edgeface purge=no
EXTRAS=secure,mqtt,gpio,metrics
while [ $# -gt 0 ]; do
    case $1 in
    --camera | --wheels)
        [ $# -gt 1 ] || fail 2 "$1 needs a value" "--help says which"
        if [ "$1" = --camera ]; then camera=$2; else wheels=$2; fi
        shift
        ;;
    --no-start) start=no ;;
    --uninstall) action=uninstall ;;
    --purge-gallery) purge=yes ;;
    -h | --help)
        echo "$USAGE"
        exit
        ;;
    *) fail 2 "unknown option $1" "--help lists them" ;;
    esac
    shift
done
if [ $purge = yes ] && [ $action != uninstall ]; then
    fail 2 "--purge-gallery goes with --uninstall" "nothing was changed"
fi
check_system
$action
