"""Files that stay: who they belong to, and that no link leads them astray."""

import os
from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding
from edgeface.drivers.durable import make_file, make_folder, replacing
from edgeface.drivers.store import Gallery

SOMEBODY = 54321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of another user's, such as the service's."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, SOMEBODY, SOMEBODY)
    return folder


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


@as_root
def test_a_gallery_that_root_makes_can_be_read_by_the_service_whose_folder_it_is_in(theirs: Path) -> None:
    with Gallery(theirs / "gallery.db", "model") as gallery:
        gallery.add("Ada", [Embedding(np.array([1, 0], np.float32), "model")])
        assert {owner(path) for path in theirs.iterdir()} == {(SOMEBODY, SOMEBODY)}
    assert (theirs / "gallery.db").stat().st_mode & 0o777 == 0o600


@as_root
def test_folders_and_replaced_files_of_root_belong_to_the_owner_of_the_folder_too(theirs: Path) -> None:
    make_folder(theirs / "a" / "b")
    with replacing(theirs / "a" / "b" / "x") as draft:
        draft.write_text("new")
    assert [owner(theirs / name) for name in ("a", "a/b", "a/b/x")] == [(SOMEBODY, SOMEBODY)] * 3


def test_one_s_own_files_stay_one_s_own(tmp_path: Path) -> None:
    make_file(tmp_path / "x")
    assert owner(tmp_path / "x") == owner(tmp_path)


def test_a_file_is_not_made_where_a_link_points(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        make_file(tmp_path / "x")
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("here")
    make_file(tmp_path / "x")
    assert (tmp_path / "x").read_text() == "here"
