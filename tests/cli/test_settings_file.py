"""Changing settings in a file without touching the rest of it."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.cli.settings_file import change_settings
from edgeface.config import Config, commented_default, load
from edgeface.errors import ConfigError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "config.toml"


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_a_new_file_holds_the_defaults_and_what_was_changed(path):
    change_settings(path, "recognition", {"threads": 3, "variant": "int8"})
    config = load([path])
    assert (config.recognition.threads, config.recognition.variant) == (3, "int8")
    before, after = commented_default().splitlines(), path.read_text().splitlines()
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [('# variant = ""', 'variant = "int8"'), ("# threads = 2", "threads = 3")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[recognition]\nthreads = 1\n", "[recognition]\nthreads = 4\n"),
        ("[recognition]\nthreads=1 # cool\n", "[recognition]\nthreads = 4 # cool\n"),
        ("[recognition]\n# threads = 2\nfar = 0.01\n", "[recognition]\nthreads = 4\nfar = 0.01\n"),
        ("# mine\n[recognition] # who\nfar = 0.01", "# mine\n[recognition] # who\nthreads = 4\nfar = 0.01"),
        ("[recognition]", "[recognition]\nthreads = 4\n"),
        ("[camera]\nwidth = 9\n", "[camera]\nwidth = 9\n\n[recognition]\nthreads = 4\n"),
        ("", "[recognition]\nthreads = 4\n"),
        (
            "[recognition]\nfar = 0.01\n[[sink]]\nkind = 'file'\npath = 'threads = 1'\n",
            "[recognition]\nthreads = 4\nfar = 0.01\n[[sink]]\nkind = 'file'\npath = 'threads = 1'\n",
        ),
        ("[recognition]\nthreads = 1 # one\n# threads = 2\n", "[recognition]\nthreads = 4 # one\n# threads = 2\n"),
    ],
)
def test_only_the_value_changes(path, before, after):
    write(path, before)
    change_settings(path, "recognition", {"threads": 4})
    assert path.read_text() == after


@pytest.mark.parametrize(
    "text",
    [
        "recognition = {far = 0.01}\n",
        "recognition.far = 0.01\n",
        '[recognition]\nvariant = """\nthreads = 1"""\n',
        '["recognition"]\nfar = 0.01\n',
    ],
)
def test_what_cannot_be_changed_safely_is_refused_and_stays(path, text):
    write(path, text)
    with pytest.raises(ConfigError) as refused:
        change_settings(path, "recognition", {"threads": 4})
    assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]
    assert "threads = 4" in refused.value.hint or "is not TOML" in str(refused.value)


def test_a_broken_file_is_refused_and_stays(path):
    write(path, "[recognition\n")
    with pytest.raises(ConfigError, match="is not TOML"):
        change_settings(path, "recognition", {"threads": 4})
    assert path.read_text() == "[recognition\n"


def test_a_file_that_edgeface_would_refuse_is_not_written(path):
    write(path, "[recognition]\nthreads = 1\n")
    with pytest.raises(ConfigError, match="must be at least 1"):
        change_settings(path, "recognition", {"threads": 0})
    assert path.read_text() == "[recognition]\nthreads = 1\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link_and_permissions_stay(path, tmp_path):
    write(path, "[recognition]\nthreads = 1\n")
    path.chmod(0o600)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    change_settings(link, "recognition", {"threads": 4})
    assert link.is_symlink()
    assert load([path]).recognition.threads == 4
    assert path.stat().st_mode & 0o777 == 0o600


@settings(deadline=None, max_examples=60)  # it writes files
@given(
    st.lists(
        st.sampled_from(
            [
                "# threads = 2",
                "far = 0.01",
                "[recognition]",
                "[camera]",
                "width = 9",
                "# a remark",
                "",
                "threads = 1 # x",
            ]
        )
    )
)
def test_any_file_is_changed_as_told_or_refused(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("config") / "config.toml"
    text = "\n".join(lines)
    path.write_text(text)
    try:
        change_settings(path, "recognition", {"threads": 4})
    except ConfigError:
        assert path.read_text() == text
    else:
        table = tomllib.loads(text)
        assert tomllib.loads(path.read_text()) == {
            **table,
            "recognition": {**table.get("recognition", {}), "threads": 4},
        }
        assert load([path]) != Config()
        assert path.read_text().splitlines().count("# a remark") == lines.count("# a remark")
