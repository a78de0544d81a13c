# shellcheck shell=bash
# What the checks of this folder share: refusals, the cache, the wheel of this checkout, and Debian trees to run it in.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB=${LAB:-${TMPDIR:-/tmp}/arm64-edgeface-lab}
PYTHON=${PYTHON:-python3}
NICE=(nice -n "${LAB_NICE:-10}")
# A Pi 4's, for qemu 7.2. As its default, "max", ai-edge-litert gives another int8 vector than the golden one (cosine
# 0.076), and the doctor refuses; as this the vector holds.
PI_CPU=cortex-a72

say() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

fail() { # MESSAGE HINT
    say "$1"
    printf '  %s\n' "$2" >&2
    exit 1
}

# End as what cannot be tried on this machine, which says nothing of edgeface.
cannot() { # MESSAGE HINT
    say "$1"
    printf '  %s\n' "$2" >&2
    exit 77
}

need_root() {
    [ "$(id -u)" = 0 ] || cannot "mounting and chroot need root" "run it with sudo"
}

need_programs() { # PROGRAM=PACKAGE...
    local pair missing=()
    for pair in "$@"; do
        [ -n "$(PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}")" ] || missing+=("${pair##*=}")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing ${missing[*]}"
    if ! { apt-get -qq update && apt-get -qq install --no-install-recommends -y "${missing[@]}" >/dev/null; }; then
        cannot "${missing[*]} cannot be installed" "they are packages of Debian 12"
    fi
}

need_venv() {
    "$PYTHON" -c 'import ensurepip' 2>/dev/null || need_programs no-venv=python3-venv
}

# Seconds since START, a number that `now` gave.
now() { date +%s.%N; }
since() { "$PYTHON" -c "print(round($(now) - $1, 1))"; }

# The newest pip, and no package of the caller's environment.
lab_pip() {
    [ -x "$LAB/pip/bin/python" ] || "$PYTHON" -m venv "$LAB/pip"
    "${NICE[@]}" "$LAB/pip/bin/python" -m pip --disable-pip-version-check -qq "$@"
}

# Make the wheel of this checkout, of its tracked files as they are now, and print its path.
make_wheel() { # FOLDER
    local source
    source=$(mktemp -d)
    (cd "$CHECKOUT" && git ls-files -z | xargs -0 cp --parents -t "$source")
    rm -rf "$1" && mkdir -p "$1"
    lab_pip wheel --no-deps --wheel-dir "$1" "$source" >&2
    rm -rf "$source"
    echo "$1"/edgeface-*.whl
}

# Tell pip which machine the wheels are for; an architecture as Debian calls it.
platform() { # ARCHITECTURE PYTHON-VERSION
    local machine=x86_64 libc
    [ "$1" = arm64 ] && machine=aarch64
    printf '%s\n' --only-binary=:all: --implementation=cp "--python-version=$2"
    # Up to Bookworm's glibc, 2.36.
    for libc in manylinux2014 manylinux_2_{17,24,27,28,31,34,35,36}; do
        echo "--platform=${libc}_$machine"
    done
}

# Let the kernel hand arm64 programs to qemu, whose interpreter it opens now: nothing goes into the tree.
register_qemu() {
    if ! { mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; } ||
        ! { [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64; }; then
        cannot "arm64 programs cannot be handed to qemu" "the kernel needs binfmt_misc: update-binfmts --display qemu-aarch64"
    fi
}

# Make a Debian tree, unless it is there from an earlier run and was made of the same.
make_tree() { # FOLDER ARCHITECTURE SUITE VARIANT PACKAGES
    local made="${*:2}" hooks=()
    [ "$(cat "$1/.made" 2>/dev/null)" = "$made" ] && return
    rm -rf --one-file-system "$1" "$1.part"
    if [[ $2 == arm64* ]]; then
        # Under qemu the bytecode of what Debian packages takes minutes; what is run is compiled when it is imported.
        hooks=("--essential-hook=ln -s /bin/true \"\$1/usr/sbin/py3compile\""
            "--customize-hook=rm \"\$1/usr/sbin/py3compile\"")
    fi
    "${NICE[@]}" mmdebstrap --quiet --arch="$2" --variant="$4" --include="$5" "${hooks[@]}" \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr "$3" "$1.part" >&2 || cannot "Debian's $3 cannot be fetched" "it needs Debian's archive and room in $LAB"
    mkdir -p "$1.part"/{proc,sys,root}
    echo "$made" >"$1.part/.made"
    mv "$1.part" "$1"
}

# Run a command inside a tree. An arm64 one is given the processor of a Pi 4, by qemu and in /proc/cpuinfo: LiteRT reads
# both, and crashes under qemu on the cpuinfo of an x86 machine. The mounts end with the command.
inside() { # TREE COMMAND...
    # shellcheck disable=SC2016 # the inner shell expands these
    "${NICE[@]}" unshare --mount --propagation private sh -c '
        mount -t proc proc "$1/proc" && mount -t sysfs -o ro sysfs "$1/sys" && mount --rbind /dev "$1/dev"
        [ -e "$1/lib/ld-linux-aarch64.so.1" ] && mount --bind "$2" "$1/proc/cpuinfo"
        tree=$1; shift 2
        exec chroot "$tree" /usr/bin/env -i HOME=/root LANG=C.UTF-8 QEMU_CPU="$0" PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
    ' "$PI_CPU" "$1" "$CHECKOUT/deploy/lab/pi4-cpuinfo" "${@:2}"
}

# Copy a tree to BOX, to be booted and spoilt; it goes when the script ends.
copy_tree() { # TREE
    BOX=$(mktemp -d "$LAB/booted-XXXXXX") BOOTED=
    trap end_box EXIT
    cp -a "$1/." "$BOX"
}

# Boot the BOX; BOOTED is the process of its container.
boot_box() {
    "$CHECKOUT/deploy/lab/boot" "$BOX" >"$LAB/console.log" 2>&1 &
    BOOTED=$!
}

end_box() {
    if [ -n "$BOOTED" ]; then
        kill "$BOOTED" 2>/dev/null || true
        wait "$BOOTED" 2>/dev/null || true
    fi
    rm -rf --one-file-system "$BOX"
}

# Take the photos of a published package: a portrait, and a picture of nobody.
fetch_photos() {
    ASTRONAUT=$LAB/photos/skimage/data/astronaut.png
    # shellcheck disable=SC2034 # check-arm64 uses it
    NOBODY=$LAB/photos/skimage/data/coffee.png
    [ -e "$ASTRONAUT" ] && return
    lab_pip download --no-deps --only-binary=:all: --constraint "$CHECKOUT/constraints.txt" \
        --dest "$LAB/photos" scikit-image
    (cd "$LAB/photos" && "$PYTHON" -m zipfile -e scikit_image-*.whl .)
}
