"""What the installers and the package say of the product is true of it: settings, units, extras and pins."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

from edgeface.config import load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MAINTAINER_SCRIPTS = DEPLOY / "debian"


def names(pins):
    """Return the packages that a file of constraints names."""
    lines = pins.read_text().splitlines()
    return {line.partition("==")[0] for line in lines if line and not line.startswith("#")}


def test_the_installed_settings_are_valid_and_name_the_gallery_of_the_service():
    config = load([DEPLOY / "config.toml"])
    assert config.gallery.path == "/var/lib/edgeface/gallery.db"
    assert "StateDirectory=edgeface\n" in (ROOT / "systemd" / "edgeface.service").read_text()


def test_the_camera_that_install_sh_writes_is_a_setting_of_the_file():
    assert re.search(r"^source = .*$", (DEPLOY / "config.toml").read_text(), re.MULTILINE)


def test_every_unit_is_installed():
    [units] = re.findall(r'^UNITS="(.*)"$', (DEPLOY / "install.sh").read_text(), re.MULTILINE)
    assert sorted(units.split()) == sorted(path.name for path in (ROOT / "systemd").iterdir())


def test_the_extras_are_extras_and_the_same_everywhere():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    said = re.findall(r"^EXTRAS=(.*)$", (DEPLOY / "install.sh").read_text(), re.MULTILINE)
    said += re.findall(r"'edgeface\[(.*)\]'", (MAINTAINER_SCRIPTS / "postinst").read_text())
    assert len(said) == 2
    assert len(set(said)) == 1
    assert set(said[0].split(",")) <= set(extras)


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_every_package_that_a_device_needs_is_in_the_debian_package(python):
    requirements = pytest.importorskip("packaging.requirements", reason="packaging belongs to the dev extra")
    utils = pytest.importorskip("packaging.utils", reason="packaging belongs to the dev extra")
    [extras] = re.findall(r"^EXTRAS=(.*)$", (DEPLOY / "install.sh").read_text(), re.MULTILINE)
    asked = {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": "aarch64"}
    waiting, needed = [("edgeface", extra) for extra in ("", *extras.split(","))], set()
    while waiting:
        name, extra = waiting.pop()
        for each in map(requirements.Requirement, distribution(name).requires or []):
            key = utils.canonicalize_name(each.name)
            if (each.marker is None or each.marker.evaluate({**asked, "extra": extra})) and key not in needed:
                needed.add(key)
                waiting += [(each.name, more) for more in ("", *each.extras)]
    lines = (DEPLOY / "wheels.txt").read_text().splitlines()
    assert needed - {"edgeface"} == {utils.canonicalize_name(line) for line in lines if not line.startswith("#")}


def test_what_goes_with_numpy_1_stands_in_place_of_a_pin():
    instead = names(DEPLOY / "constraints-numpy1.txt")
    assert instead <= names(ROOT / "constraints.txt")
    for script in ("install.sh", "build-deb"):
        text = (DEPLOY / script).read_text()
        assert all(f"-e '^{name}=='" in text for name in instead), script


def test_nobody_s_faces_are_erased_by_default():
    assert "\nDefault: false\n" in (MAINTAINER_SCRIPTS / "templates").read_text()
    removed = re.findall(r"rm -rf .*", (MAINTAINER_SCRIPTS / "postrm").read_text())
    assert sum("/var/lib" in line for line in removed) == 1


def test_debconf_is_loaded_outside_of_functions_where_it_sees_the_arguments_of_the_script():
    for name in ("postinst", "postrm"):
        text = (MAINTAINER_SCRIPTS / name).read_text()
        outside = re.sub(r"^\w+\(\) \{.*?^\}", "", text, flags=re.MULTILINE | re.DOTALL)
        assert text.count(". /usr/share/debconf/confmodule") == 1, name
        assert ". /usr/share/debconf/confmodule" in outside, name
