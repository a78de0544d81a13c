"""The scripts of deploy/: shellcheck has no complaint, and what they promise to refuse they refuse."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPTS = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/usr/bin/env bash", b"# shellcheck"))
)
SHELLCHECK = shutil.which("shellcheck")


@pytest.fixture
def machine(tmp_path):
    """Return what makes a folder of commands that answer as another machine's would, and runs install.sh with them."""

    def run(*words, **answers):
        for name, answer in {"id": "echo 0", "dpkg": "echo arm64", "python3": "exit 0", **answers}.items():
            command = tmp_path / name
            command.write_text(f"#!/bin/sh\n{answer}\n")
            command.chmod(0o755)
        # Should a refusal fail, nothing of this machine is touched all the same.
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "EDGEFACE_PREFIX": f"{tmp_path}/opt"}
        environment["EDGEFACE_PYTHON"] = "/bin/false"
        return subprocess.run(
            [DEPLOY / "install.sh", *words], env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
def test_shellcheck_has_no_complaint():
    assert len(SCRIPTS) >= 4
    checked = subprocess.run([SHELLCHECK, "-x", *SCRIPTS], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_program_can_be_run():
    programs = [path for path in SCRIPTS if path.read_bytes().startswith(b"#!")]
    assert [path.name for path in programs if not os.access(path, os.X_OK)] == []


@pytest.mark.parametrize("architecture", ["armhf", "armel", "i386"])
def test_a_32_bit_system_is_refused_even_under_a_64_bit_kernel(machine, architecture):
    done = machine(dpkg=f"echo {architecture}")
    assert done.returncode == 3
    assert f"this is a {architecture} system" in done.stderr
    assert "install the 64-bit Raspberry Pi OS" in done.stderr


def test_an_old_python_is_refused_by_its_number(machine):
    done = machine(python3='case "$2" in *print*) echo 3.9 ;; *) exit 1 ;; esac')
    assert (done.returncode, done.stdout) == (3, "")
    assert "Python is 3.9, and edgeface needs 3.11 or newer" in done.stderr


def test_a_missing_venv_says_which_package_to_install(machine):
    done = machine(python3='case "$2" in *ensurepip*) exit 1 ;; esac')
    assert done.returncode == 6
    assert "apt install python3-venv" in done.stderr


def test_who_is_not_root_is_told_so(machine):
    done = machine(id="echo 1000")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "install.sh: this needs root")


@pytest.mark.parametrize("words", [["--purge-gallery"], ["--camera"], ["--perge"]])
def test_words_that_make_no_sense_change_nothing(machine, words):
    done = machine(*words, id="echo must-not-come-here; exit 9")
    assert (done.returncode, done.stdout) == (2, "")
