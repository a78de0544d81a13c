"""Settings: defaults, files and options, and errors that help."""

from dataclasses import fields
from pathlib import Path

import pytest

from edgeface.config import LISTS, Config, NamedCameraSettings, commented_default, effective, load
from edgeface.errors import ConfigError
from edgeface.settings import kind_of
from edgeface.sink_settings import SINKS, FileSinkSettings, SocketSinkSettings


def refused(*overrides):
    with pytest.raises(ConfigError) as refusal:
        load([], overrides)
    return str(refusal.value), refusal.value.hint


def test_without_files_and_options_all_is_default():
    assert load() == Config()


def test_the_settings_in_force_give_themselves_again(tmp_path):
    config = load([], ["camera.width=640", "recognition.threshold=0.4", 'camera.source=a "b" \\ ü'])
    path = tmp_path / "again.toml"
    path.write_text(effective(config), encoding="utf-8")
    assert load([path]) == config


def test_the_commented_file_explains_every_setting_and_changes_none(tmp_path):
    text = commented_default()
    path = tmp_path / "default.toml"
    path.write_text(text)
    assert load([path]) == Config()
    sections = [getattr(Config(), section.name) for section in fields(Config) if section.name not in LISTS]
    for section in [*sections, NamedCameraSettings, *SINKS]:
        for setting in fields(section):
            assert f"# {setting.metadata['description']}\n# {setting.name} = " in text


def test_the_commented_file_is_valid_when_all_of_it_is_uncommented(tmp_path):
    path = tmp_path / "all.toml"
    lines = commented_default().splitlines()
    wanted = [line.startswith("# [[") or (" = " in line and "`" not in line) for line in lines]
    path.write_text("\n".join(line[2:] if keep else line for line, keep in zip(lines, wanted, strict=True)))
    config = load([path])
    assert [sink.kind for sink in config.sink] == [kind_of(shape) for shape in SINKS]
    assert (config.camera.width, config.recognition.threshold, config.presence) == (
        1280,
        0.5,
        Config().presence,
    )


def test_the_last_file_wins_setting_by_setting(tmp_path):
    first, second = tmp_path / "1.toml", tmp_path / "2.toml"
    first.write_text('[camera]\nsource = "a"\nwidth = 1\n')
    second.write_text('[camera]\nsource = "b"\n')
    config = load([first, second], ["camera.width=3"])
    assert (config.camera.source, config.camera.width) == ("b", 3)


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        (
            "recognition.treshold=1",
            "unknown setting recognition.treshold",
            "did you mean recognition.threshold?",
        ),
        ("recogniton.far=1", "unknown setting recogniton", "did you mean recognition?"),
        ("far=1", "is not of the form section.key=value", "for example -o recognition.far=0.01"),
        ("recognition.far", "is not of the form section.key=value", "for example"),
        ("camera.width=true", "camera.width must be int, not True", ""),
        ("camera.width=1.5", "camera.width must be int, not 1.5", ""),
        ("camera.width=0", "camera.width must be at least 1, not 0", ""),
        ("recognition.far=often", "recognition.far must be float, not 'often'", ""),
        ("recognition.far=1.5", "recognition.far must be at most 1, not 1.5", ""),
        ("recognition.far=nan", "recognition.far must be", ""),
        ("tracking.patience_seconds=-1", "must be at least 0, not -1", ""),
        ("recognition.runtime=tflite", "recognition.runtime is 'tflite'", "choose one of"),
        ("recognition.threshold=" + "9" * 400, "recognition.threshold must be float, not 99", ""),
        ("recognition.threshold=" + "9" * 5000, "recognition.threshold must be float, not '99", ""),
        ("recognition.threshold=" + "[" * 5000, "recognition.threshold must be float, not '[[", ""),
        ("recognition.votes_of=" + "9" * 30, "recognition.votes_of must be at most 1000", ""),
        ("camera.width=" + "9" * 30, "camera.width must be at most 65535", ""),
        ('gallery.path="a\\u0000b"', "gallery.path holds a null character", ""),
        (
            "thermal.resume_below_celsius=80",
            "resume_below_celsius is 80, more than thermal.slow_above_celsius = 75",
            "",
        ),
        ("motion.gate=sometimes", "motion.gate is 'sometimes'", "choose one of 'live', 'always', 'never'"),
        ("motion.idle_fps=1", "motion.idle_fps must be at least 2, not 1", ""),
        ("recognition.votes_of=2", "votes_needed is 3, more than recognition.votes_of = 2", ""),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_wrong(override, message, hint):
    given_message, given_hint = refused(override)
    assert message in given_message
    assert hint in given_hint


@pytest.mark.parametrize("number", ["camera.source=0", 'camera.source="0"'])
def test_a_text_needs_no_quotes_even_if_it_looks_like_a_number(number):
    assert load([], [number]).camera.source == "0"


def test_a_whole_number_is_a_number():
    assert load([], ["presence.patience_seconds=3"]).presence.patience_seconds == 3.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[camera]\nsauce = 1\n", "unknown setting camera.sauce"),
        (b"camera = 1\n", "camera must be"),
        (b"[camera\n", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (b"[camera]\nwidth = " + b"9" * 5000, "is not TOML"),
        (b'[camera]\nsource = "a\\u0000b"\n', "camera.source holds a null character"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, message):
    path = tmp_path / "wrong.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as refusal:
        load([path])
    assert str(path) in str(refusal.value)


def test_a_missing_file_says_how_to_write_one(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file") as refusal:
        load([tmp_path / "none.toml"])
    assert "edgeface config --init" in refusal.value.hint


def sinks_of(tmp_path, *tables):
    path = tmp_path / "sinks.toml"
    path.write_text("\n".join(f"[[sink]]\n{table}" for table in tables))
    return load([path]).sink


def test_sinks_are_kept_in_their_order(tmp_path):
    assert sinks_of(tmp_path, 'kind = "socket"\npath = "s"', 'kind = "file"\npath = "f"\nkeep = 2') == (
        SocketSinkSettings(path="s"),
        FileSinkSettings(path="f", keep=2),
    )


def test_a_later_file_that_names_sinks_replaces_the_earlier_ones(tmp_path):
    first, second, third = (tmp_path / f"{number}.toml" for number in (1, 2, 3))
    first.write_text('[[sink]]\nkind = "file"\npath = "a"\n[[sink]]\nkind = "file"\npath = "b"\n')
    second.write_text('[[sink]]\nkind = "file"\npath = "c"\n')
    third.write_text("[camera]\nwidth = 3\n")
    assert [sink.path for sink in load([first, second, third]).sink] == ["c"]


def test_sinks_in_force_give_themselves_again(tmp_path):
    path = tmp_path / "first.toml"
    path.write_text('[[sink]]\nkind = "file"\npath = "a \\"b\\""\n[[sink]]\nkind = "socket"\npath = "s"\n')
    config = load([path], ["camera.width=3"])
    again = tmp_path / "again.toml"
    again.write_text(effective(config))
    assert load([again]) == config
    assert len(config.sink) == 2


@pytest.mark.parametrize(
    ("table", "message", "hint"),
    [
        ('kind = "fiel"\npath = "x"', "sink.0.kind is 'fiel'", 'did you mean "file"?'),
        (
            'kind = "carrier pigeon"',
            "sink.0.kind is 'carrier pigeon'",
            "choose one of file, socket, command, webhook, mqtt, relay, metrics",
        ),
        ("kind = 1", "sink.0.kind is 1", "choose one of file, socket, command, webhook, mqtt, relay, metrics"),
        (
            'path = "x"',
            "setting sink.0.kind is missing",
            "choose one of file, socket, command, webhook, mqtt, relay, metrics",
        ),
        ('kind = "file"', "setting sink.0.path is missing", ""),
        ('kind = "file"\npaht = "x"', "unknown setting sink.0.paht", "did you mean sink.0.path?"),
        ('kind = "file"\npath = "x"\nkeep = 0', "sink.0.keep must be at least 1, not 0", ""),
        ('kind = "file"\npath = 1', "sink.0.path must be str, not 1", ""),
        ('kind = "file"\npath = "x"\nevents = ["noface"]', "sink.0.events.0 is 'noface'", "'no_face'"),
    ],
)
def test_a_wrong_sink_is_refused_with_what_is_wrong(tmp_path, table, message, hint):
    with pytest.raises(ConfigError) as refusal:
        sinks_of(tmp_path, table)
    assert message in str(refusal.value)
    assert hint in refusal.value.hint


@pytest.mark.parametrize("content", ['[sink]\nkind = "file"\npath = "x"\n', "sink = 1", "sink = [1]"])
def test_what_is_no_list_of_sinks_is_refused(tmp_path, content):
    path = tmp_path / "wrong.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match="sink"):
        load([path])


def test_a_sink_is_no_option():
    assert refused("sink.path=x")[1] == "begin each sink with a line [[sink]], with two brackets, in a file"


def test_an_endless_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("# " + "x" * (1 << 20))
    with pytest.raises(ConfigError, match="larger than 1024 KiB"):
        load([path])
    with pytest.raises(ConfigError, match="larger than 1024 KiB"):
        load([Path("/dev/zero")])


def test_pictures_of_faces_are_not_kept_in_the_open_by_mistake():
    keep = "gallery.keep_chips=encrypted"
    with pytest.raises(ConfigError, match=r'keep_chips is "encrypted", but gallery.key is not set') as refused:
        load(overrides=[keep])
    assert 'keep_chips = "plain"' in refused.value.hint
    assert load(overrides=[keep, "gallery.key=file:k"]).gallery.keep_chips == "encrypted"
    assert load(overrides=["gallery.keep_chips=plain"]).gallery.keep_chips == "plain"
    assert load().gallery.keep_chips == "never"


def cameras_of(tmp_path, *tables):
    path = tmp_path / "cameras.toml"
    path.write_text("\n".join(f"[[cameras]]\n{table}" for table in tables))
    return load([path])


def test_several_cameras_are_read_in_their_order_and_written_again(tmp_path):
    config = cameras_of(tmp_path, 'name = "door"\nsource = "1"\nwidth = 640', 'name = "yard"\nsource = "rtsp://x/y"')
    assert [(camera.name, camera.source, camera.width) for camera in config.cameras] == [
        ("door", "1", 640),
        ("yard", "rtsp://x/y", None),
    ]
    again = tmp_path / "again.toml"
    again.write_text(effective(config))
    assert load([again]) == config


def test_a_single_camera_is_still_a_section(tmp_path):
    assert load([], ["camera.source=3"]).cameras == ()


@pytest.mark.parametrize(
    ("tables", "message", "hint"),
    [
        (['name = "a"', 'name = "a"'], "another camera's", "each its own"),
        (['name = "front door"'], "cameras.0.name is 'front door'", "letters, digits"),
        (['name = ""'], "cameras.0.name is ''", "letters, digits"),
        (['source = "0"'], "setting cameras.0.name is missing", ""),
        (['name = "a"\nsorce = "0"'], "unknown setting cameras.0.sorce", "did you mean cameras.0.source?"),
        (['name = "a"\nwidth = 0'], "cameras.0.width must be at least 1", ""),
    ],
)
def test_a_wrong_camera_is_named(tmp_path, tables, message, hint):
    with pytest.raises(ConfigError) as refusal:
        cameras_of(tmp_path, *tables)
    assert message in str(refusal.value)
    assert hint in refusal.value.hint


def test_cameras_are_no_option_of_the_command_line():
    message, hint = refused("cameras.source=1")
    assert "cameras must be a list of tables" in message
    assert "[[cameras]]" in hint
