import importlib.util
from pathlib import Path

import pytest

from reggan_plugin.cli import main


def test_without_blender_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "bpy" else find(name, *rest),
    )
    out = tmp_path / "set"
    status = main(["dataset", "avatars", "--assets", str(tmp_path), "--out", str(out)])
    assert status == 1
    assert 'pip install "reggan-plugin[avatars]"' in capsys.readouterr().err
    assert not out.exists()


def test_an_unknown_style_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--assets", str(tmp_path), "--out", str(tmp_path / "set"), "--styles", "skin,wood"]
    assert main(["dataset", "avatars", *arguments]) == 2
    assert "'wood' is no style; there are skin, stone" in capsys.readouterr().err


def test_help_ends_in_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "avatars", "--help"]) == 0
    assert "reggan-plugin dataset avatars --assets" in capsys.readouterr().out
