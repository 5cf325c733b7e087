"""Videos in, videos out: times, sound, colour tags and untouched pixels stay; jobs go on."""

import errno
import io
import json
import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import click
import numpy as np
import pytest
from PIL import Image

from reggan_plugin import child_process
from reggan_plugin.cli import main
from reggan_plugin.commands.render import fps_from_text
from reggan_plugin.errors import OutputError, OutputExistsError, UnreadableFrameError, UsageError
from reggan_plugin.faces.face_finder import ChosenFaces
from reggan_plugin.file_safety import TEMPORARY_SUFFIX, _prefix_for
from reggan_plugin.files import video, video_writing
from reggan_plugin.files.exr.writing_settings import GenerationLoss
from reggan_plugin.files.frame import Frame, name_of_frame
from reggan_plugin.files.video import (
    Coding,
    VideoFile,
    codec_for,
    display_matrix,
    gif_facts,
    samples_of,
)
from reggan_plugin.files.video_writing import write_new_video, write_video
from reggan_plugin.jobs.frame_record import sha256_of
from reggan_plugin.jobs.render_job import ResultLog
from reggan_plugin.jobs.results_and_events import Event, FrameResult, unreadable_frames

from ..fuzz import attacks
from .conftest import ReddeningTransfer

Streams = pytest.CaptureFixture[str]
HEIGHT, WIDTH, FRAMES = 48, 64, 7
UNIT = Fraction(1, 24000)
KINDS = {
    "a.mp4": ("libx264", "yuv420p", {"crf": "8"}),
    "a.mov": ("prores_ks", "yuv422p10le", {"profile": "3"}),
    "a.webm": ("libvpx-vp9", "yuv420p", {"crf": "8"}),
    "a.mkv": ("ffv1", "yuv444p", {}),
    "a.gif": ("gif", "rgb8", {}),
}


pytestmark = pytest.mark.usefixtures("tracked")


def write_clip(
    path: Path,
    *,
    is_steady: bool = False,
    frames: int = FRAMES,
    turn: tuple[float, bool] | None = None,
) -> Path:
    """Grey gradients with sound, each frame a little longer than the last but one.

    `turn` is by how much players turn them, counterclockwise, and whether they mirror them then.
    """
    encoder, kind, options = KINDS[path.name]
    with av.open(str(path), "w") as clip:
        picture = clip.add_stream(encoder, rate=Fraction(24000, 1001), options=options)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, kind
        picture.codec_context.time_base = UNIT
        if turn is not None:
            picture.set_display_rotation(turn[0], hflip=turn[1])
        if encoder != "gif":
            context = picture.codec_context
            context.color_primaries = context.color_trc = context.colorspace = 1
            context.color_range = 1
        sound = None
        if path.suffix != ".gif":
            name = "libopus" if path.suffix == ".webm" else "aac"
            sound = clip.add_stream(name, rate=48000)
        ramp = np.linspace(40, 200, WIDTH, dtype=np.uint8)[None, :, None]
        time = 0
        for number in range(frames):
            pixels = np.broadcast_to(ramp - 2 * number, (HEIGHT, WIDTH, 3))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame = frame.reformat(format=kind, dst_colorspace=1, dst_color_range=1)
            frame.pts, frame.time_base = time, UNIT
            time += 1001 if is_steady else 1001 * (1 + number % 3)
            clip.mux(picture.encode(frame))
        if sound is not None:
            size = 960 if path.suffix == ".webm" else 1024
            for number in range(12):
                noise = np.random.default_rng(number).standard_normal((1, size)) * 0.1
                heard = av.AudioFrame.from_ndarray(noise.astype(np.float32), "fltp", "mono")
                heard.sample_rate, heard.pts = 48000, number * size
                clip.mux(sound.encode(heard))
            clip.mux(sound.encode(None))
        clip.mux(picture.encode(None))
    return path


def sound_of(path: Path) -> list[tuple[bytes, Any]]:
    with av.open(str(path)) as clip:
        if not clip.streams.audio:
            return []
        packets = clip.demux(clip.streams.audio[0])
        return [(bytes(one), float(one.pts * one.time_base)) for one in packets if one.size]


def frames_of(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as clip:
        return [(float(one.time), samples_of(one)) for one in clip.decode(video=0)]


def smile(*arguments: str | Path) -> int:
    return main(["render", *map(str, arguments), "--expression", "happy"])


@pytest.mark.parametrize("name", KINDS)
def test_times_sound_tags_and_pixels_beside_the_change_stay(
    name: str, tmp_path: Path, capsys: Streams
) -> None:
    clip = write_clip(tmp_path / name)
    assert smile(clip) == 0
    result = tmp_path / f"a_happy{clip.suffix}"
    assert capsys.readouterr().out.split() == [str(result)]
    before, after = frames_of(clip), frames_of(result)
    assert len(before) == len(after) == FRAMES
    assert [time for time, _ in after] == pytest.approx([time for time, _ in before], abs=2e-3)
    heard, same = sound_of(clip), sound_of(result)
    assert [content for content, _ in same] == [content for content, _ in heard]
    assert [time for _, time in same] == pytest.approx([time for _, time in heard], abs=2e-3)
    scale = np.iinfo(before[0][1].dtype).max / 255
    for (_, old), (_, new) in zip(before, after, strict=True):
        change = np.abs(old.astype(int) - new)[..., :3] / scale
        middle = change[20:28, 26:38]
        assert middle[..., 0].min() > 20  # red in the middle
        corners = [change[:8, :10], change[-8:, :10], change[:8, -10:], change[-8:, -10:]]
        most = {"a.mkv": 0, "a.gif": 48}.get(name, 8)  # ffv1 is lossless, a GIF has 256 colours
        assert max(float(corner.max()) for corner in corners) <= most
    with av.open(str(clip)) as one, av.open(str(result)) as other:
        old_stream, new_stream = one.streams.video[0], other.streams.video[0]
        for tag in ("color_primaries", "color_trc", "colorspace", "color_range", "profile"):
            if name in ("a.mp4", "a.mov") or (name != "a.gif" and tag.startswith("color")):
                own = [getattr(s.codec_context, tag) for s in (old_stream, new_stream)]
                assert own[0] == own[1], tag
        assert old_stream.codec_context.name == new_stream.codec_context.name
        assert "reggan-plugin" in {k.lower(): v for k, v in other.metadata.items()}.get(
            "comment", "reggan-plugin" if name == "a.gif" else ""
        )
    assert [path.name for path in (tmp_path / ".reggan").iterdir()] == [f"{result.name}.json"]


def test_a_job_that_was_stopped_goes_on_with_the_next_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    clip = write_clip(tmp_path / "a.mp4")
    reddened, calls = ReddeningTransfer.render, 0

    def fail_at_the_fourth(self: ReddeningTransfer, *given: Any) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise UnreadableFrameError("a fault.")
        return reddened(self, *given)

    monkeypatch.setattr(ReddeningTransfer, "render", fail_at_the_fourth)
    assert smile(clip) == 1
    result = tmp_path / "a_happy.mp4"
    assert not result.exists()
    killed = tmp_path / f"{_prefix_for(result.name)}0123{TEMPORARY_SUFFIX}"
    killed.touch()
    exchanged = tmp_path / ".reggan" / f"{result.name}.frames" / "00000002.png"
    exchanged.write_bytes(exchanged.with_name("00000001.png").read_bytes())
    capsys.readouterr()
    assert smile(clip, "--resume", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"] == {"written": 2, "copied": 0, "skipped": 5, "failed": 0}
    assert summary["out"] == str(result)
    assert not killed.exists(), "what a killed run left of the video"
    content = result.read_bytes()
    # A finished video is left as it is, and one that was damaged is made again.
    assert smile(clip, "--resume") == 0
    assert calls == FRAMES + 2
    assert result.read_bytes() == content
    assert smile(clip) == 1
    assert "--resume" in capsys.readouterr().err
    result.write_bytes(b"something else")
    assert smile(clip, "--resume") == 0
    assert len(frames_of(result)) == FRAMES
    edited = write_clip(tmp_path / "a.mov").read_bytes()
    result.write_bytes(edited)
    capsys.readouterr()
    assert smile(clip, "--resume") == 0
    assert result.read_bytes() == edited, "somebody cut it anew"
    assert "1 output was changed since" in capsys.readouterr().err
    assert smile(clip, "--resume", "--intensity", "0.5") == 1
    assert result.read_bytes() == edited, "though it is not what is asked for"
    assert "a_happy.mp4 was changed since it was rendered with other" in capsys.readouterr().err
    record = tmp_path / ".reggan" / "a_happy.mp4.json"
    told = record.read_text()
    record.write_text(told[:40])
    assert smile(clip, "--resume") == 1
    assert result.read_bytes() == edited, "though its record is damaged"
    record.write_text(told)
    unfinished = {"output_sha256": None, "output_state": None}
    record.write_text(json.dumps({**json.loads(record.read_text()), **unfinished}))
    assert smile(clip, "--resume") == 0
    assert result.read_bytes() == content, "a job was killed while it wrote it"


@pytest.mark.parametrize("turn", [(-90, False), (90, True), (180, False), (0, True)])
def test_a_turned_clip_is_changed_upright_and_stays_turned(
    turn: tuple[int, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As phones write them. The top of what players show is reddened."""

    def redden(self: ReddeningTransfer, frame: Frame, *given: object) -> np.ndarray:
        pixels = frame.pixels.copy()
        pixels[: len(pixels) // 4, :, 0] = 1.0
        return pixels

    def shown(stored: np.ndarray) -> np.ndarray:
        upright = np.rot90(stored, turn[0] // 90)
        return upright[:, ::-1] if turn[1] else upright

    monkeypatch.setattr(ReddeningTransfer, "render", redden)
    clip = write_clip(tmp_path / "a.mkv", turn=turn)
    assert smile(clip) == 0
    assert smile(clip, "--out", tmp_path / "a.gif") == 0
    before, after = frames_of(clip), frames_of(tmp_path / "a_happy.mkv")
    for (_, old), (_, new) in zip(before, after, strict=True):
        changed = shown((old != new).any(axis=2))
        quarter = len(changed) // 4
        assert changed[:quarter].all()
        assert not changed[quarter:].any()
    top = frames_of(tmp_path / "a.gif")[0][1][:8]
    assert top.shape[1] == shown(before[0][1]).shape[1]
    assert (top[..., 0].astype(int) - top[..., 1] > 40).all()
    with av.open(str(clip)) as one, av.open(str(tmp_path / "a_happy.mkv")) as other:
        turned, same = (display_matrix(next(each.decode(video=0))) for each in (one, other))
    assert turned == same


@pytest.mark.parametrize(
    ("name", "code", "pixels", "lost"),
    [
        ("a.mov", "png", "rgba", ["alpha", "fewer pixels", "png is not written to .mov: "]),
        (
            "a.mov",
            "png",
            "rgb48be",
            ["8 bits a channel in place of 16", "fewer pixels", "png is not"],
        ),
        ("a.mov", "qtrle", "argb", ["alpha", "fewer pixels", "qtrle is not"]),
        ("a.mov", "mjpeg", "yuvj422p", ["mjpeg is not"]),
        ("a.webm", "libvpx", "yuv420p", ["vp8 is not"]),
        ("a.mov", "prores_ks", "yuv444p10le", ["10 bits a channel in place of 12"]),
        ("a.mov", "prores_ks", "yuv422p10le", []),
        ("a.webm", "libvpx-vp9", "yuva420p", ["alpha"]),
    ],
)
def test_what_a_codec_does_not_keep_is_said(
    name: str, code: str, pixels: str, lost: list[str], tmp_path: Path
) -> None:
    clip, out = tmp_path / name, tmp_path / f"b{Path(name).suffix}"
    with av.open(str(clip), "w") as made:
        stream = made.add_stream(code, rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        for number in range(3):
            drawn = np.full((HEIGHT, WIDTH, 4), 90 + number, np.uint8)
            frame = av.VideoFrame.from_ndarray(drawn, format="rgba").reformat(format=pixels)
            frame.pts = number
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    said = write_video(clip, out, {})
    assert all(any(one in text for text in said) for one in lost), said
    assert len(said) == len(lost), said
    with av.open(str(out)) as written:
        assert "alpha_mode" not in {key.lower() for key in written.streams.video[0].metadata}


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_chapters_and_languages_stay_and_what_is_lost_is_said(
    name: str, tmp_path: Path, capsys: Streams
) -> None:
    clip = tmp_path / name
    code, sound = ("libvpx-vp9", "libopus") if name == "a.webm" else ("libx264", "aac")
    marks = [
        {"id": place, "start": 100 * place, "end": 100 * (place + 1), "metadata": {"title": title}}
        for place, title in enumerate(["One", "Two"])
    ]
    with av.open(str(clip), "w") as made:
        streams = [made.add_stream(code, rate=24) for _ in range(2)]
        heard = [made.add_stream(sound, rate=48000) for _ in range(2)]
        for stream, (language, title) in zip(heard, [("deu", "Score"), ("fra", "")], strict=True):
            stream.metadata.update({"language": language, "title": title})
        made.set_chapters([{**one, "time_base": Fraction(1, 1000)} for one in marks])
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(6):
            for stream in streams:
                pixels = np.full((HEIGHT, WIDTH, 3), 90 + number, np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts = number
                made.mux(stream.encode(frame))
        for stream in heard:
            silent = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), "fltp", "mono")
            silent.sample_rate, silent.pts = 48000, 0
            made.mux([*stream.encode(silent), *stream.encode(None)])
        for stream in streams:
            made.mux(stream.encode(None))
    assert smile(clip, "--json") == 0
    said = [one["message"] for one in json.loads(capsys.readouterr().out)["notices"]]
    made = f"a_happy{clip.suffix}"
    assert f"{made}: another stream of pictures, number 1, is left out of the new video" in said
    assert not any("data" in one or "language" in one for one in said), "all else is kept"
    with av.open(str(tmp_path / f"a_happy{clip.suffix}")) as result:
        titles = [one["metadata"]["title"] for one in result.chapters()]
        assert titles == ["One", "Two"]
        first, second = result.streams.audio
        assert (first.language, second.language) == ("deu", "fra")
        assert "Score" in first.metadata.values()
    if name == "a.webm":
        return
    for suffix, lost in (
        (".gif", "2 chapters left out of the new video: .gif holds none"),
        (".mov", "the language deu of sound 0 is lost: .mov does not name it"),
    ):
        assert smile(clip, "--out", tmp_path / f"b{suffix}", "--json") == 0
        said = [one["message"] for one in json.loads(capsys.readouterr().out)["notices"]]
        assert f"b{suffix}: {lost}" in said


def write_sound(path: Path, code: str, kind: str) -> Path:
    """Three frames, and a second of sound."""
    with av.open(str(path), "w") as made:
        picture = made.add_stream("libx264", rate=3)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = made.add_stream(code, rate=48000)
        for _ in range(3):
            made.mux(picture.encode(av.VideoFrame(WIDTH, HEIGHT, "yuv420p")))
        dtype = {"fltp": np.float32, "s16": np.int16}[kind]
        for number in range(50):
            silent = av.AudioFrame.from_ndarray(np.zeros((1, 960), dtype), kind, "mono")
            silent.sample_rate, silent.pts = 48000, 960 * number
            made.mux(sound.encode(silent))
        made.mux([*picture.encode(None), *sound.encode(None)])
    return path


@pytest.mark.parametrize(
    ("code", "kind", "suffix"), [("flac", "s16", ".mov"), ("pcm_s16le", "s16", ".mp4")]
)
def test_sound_that_a_container_refuses_is_left_out_and_said(
    code: str, kind: str, suffix: str, tmp_path: Path
) -> None:
    clip = write_sound(tmp_path / "a.mkv", code, kind)
    out = tmp_path / f"b{suffix}"
    assert write_video(clip, out, {}) == [f"sound in {code} is left out of the new video"]
    assert len(frames_of(out)) == 3
    assert write_video(clip, tmp_path / "c.mkv", {}) == []
    assert sound_of(tmp_path / "c.mkv") == sound_of(clip)


def test_sound_that_a_phone_cut_off_is_not_heard_again(tmp_path: Path) -> None:
    clip = write_sound(tmp_path / "a.mp4", "aac", "fltp")
    content = bytearray(clip.read_bytes())
    place = -1
    while (place := content.find(b"elst", place + 1)) >= 0:  # both begin half a second later
        length, start, rate = struct.unpack_from(">IiI", content, place + 12)
        is_sound = start == 1024  # which a decoder needs before the first sample
        later = 24000 if is_sound else 12288 // 2
        struct.pack_into(">IiI", content, place + 12, length - 500, start + later, rate)
    clip.write_bytes(content)
    write_video(clip, tmp_path / "b.mkv", {})
    assert sound_of(clip)[0][1] < -0.4
    with av.open(str(tmp_path / "b.mkv")) as made:
        first = next(made.decode(video=0))
    assert first.time < 0.2


def test_what_frames_say_of_themselves_and_a_new_video_loses_is_named(tmp_path: Path) -> None:
    source = tmp_path / "of.mp4"
    with av.open(str(source), "w") as writing:
        options = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
        stream: Any = writing.add_stream("libx264", rate=24, options=options)
        stream.width = stream.height = 64
        writing.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        writing.mux(stream.encode(None))
    said = write_video(source, tmp_path / "a.mp4", {}, coding=Coding())
    assert said == ["interlacing left out of the new video"]


@pytest.mark.parametrize(
    ("encoder", "kind", "matrix", "limits", "name", "out", "tags"),
    [
        ("qtrle", "rgb24", 2, 0, "of.mov", "a.mp4", (1, 1)),
        ("png", "rgb24", 0, 2, "of.mov", "a.webm", (1, 1)),
        ("libx264", "yuv420p", 1, 2, "of.mp4", "a.mp4", (1, 2)),
        ("libx264", "yuv420p", 1, 2, "of.mp4", "a.mov", (1, 1)),  # ProRes: limited for players
        ("libvpx", "yuv420p", 5, 1, "of.webm", "a.webm", (5, 1)),  # says so in its frames alone
    ],
)
def test_another_codec_shows_the_same_colours_and_says_which(
    encoder: str,
    kind: str,
    matrix: int,
    limits: int,
    name: str,
    out: str,
    tags: tuple[int, int],
    tmp_path: Path,
) -> None:
    red = np.full((720, 64, 3), (220, 30, 30), np.uint8)
    picture = av.VideoFrame.from_ndarray(red, format="rgb24")
    if kind != "rgb24":
        picture = picture.reformat(format=kind, dst_colorspace=matrix, dst_color_range=limits)
    picture.colorspace, picture.color_range = matrix, limits
    with av.open(str(tmp_path / name), "w") as writing:
        stream: Any = writing.add_stream(encoder, rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 720, kind
        if encoder != "libvpx":
            stream.codec_context.colorspace, stream.codec_context.color_range = matrix, limits
        writing.mux(stream.encode(picture))
        writing.mux(stream.encode(None))
    coding = Coding(codec="prores") if out.endswith(".mov") else Coding()
    write_video(tmp_path / name, tmp_path / out, {}, coding=coding)
    with av.open(str(tmp_path / out)) as written:
        frame = next(written.decode(video=0))
    assert (int(frame.colorspace), int(frame.color_range)) == tags
    shown = frame.reformat(format="rgb24", src_colorspace=tags[0]).to_ndarray()
    assert np.abs(shown.astype(int) - red).max() <= 8


@pytest.mark.parametrize(("out", "is_kept"), [("a.mp4", True), ("a.webm", False), ("a.gif", True)])
def test_wide_pixels_stay_or_are_named(out: str, is_kept: bool, tmp_path: Path) -> None:
    source = tmp_path / "of.mp4"
    with av.open(str(source), "w") as writing:
        stream: Any = writing.add_stream("libx264", rate=24)
        stream.width = stream.height = 64
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        writing.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        writing.mux(stream.encode(None))
    said = write_video(source, tmp_path / out, {}, coding=Coding())
    assert any("2 times as wide as high" in one for one in said) is not is_kept
    with av.open(str(tmp_path / out)) as result:
        assert ((result.streams.video[0].sample_aspect_ratio or 1) == 2) is is_kept


@pytest.mark.parametrize(
    ("name", "out", "is_kept"),
    [("a.mov", "b.mov", True), ("a.mov", "b.mkv", True), ("a.mkv", "b.mp4", True),
     ("a.mov", "b.gif", False)],
)  # fmt: skip
def test_a_timecode_stays_or_is_named(name: str, out: str, is_kept: bool, tmp_path: Path) -> None:
    source = tmp_path / name
    with av.open(str(source), "w") as writing:
        stream: Any = writing.add_stream("libx264", rate=24)
        stream.width = stream.height = 64
        stream.metadata["timecode"] = "10:20:30:12"
        writing.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        writing.mux(stream.encode(None))
    said = write_video(source, tmp_path / out, {}, coding=Coding())
    assert said == ([] if is_kept else ["the timecode 10:20:30:12 is left out of the new video"])
    with av.open(str(tmp_path / out)) as result:
        found = {key.lower(): text for key, text in result.streams.video[0].metadata.items()}
    assert found.get("timecode") == ("10:20:30:12" if is_kept else None)


def test_a_first_frame_after_0_s_keeps_its_time(tmp_path: Path) -> None:
    """As in a fragmented MP4 with B-frames."""
    source, out = tmp_path / "a.mp4", tmp_path / "b.mp4"
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(source), "w", container_options=options) as writing:
        stream: Any = writing.add_stream("libx264", rate=Fraction(24000, 1001))
        stream.width = stream.height = 64
        for number in range(6):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = number
            writing.mux(stream.encode(frame))
        writing.mux(stream.encode(None))
    write_video(source, out, {}, coding=Coding())
    times = [time for time, _ in frames_of(source)]
    assert times[0] > 0
    assert [time for time, _ in frames_of(out)] == times


def test_what_a_camera_says_of_itself_stays_in_a_mov_and_is_else_named(tmp_path: Path) -> None:
    make, source = "com.apple.quicktime.make", tmp_path / "of.mov"
    options = {"movflags": "use_metadata_tags"}
    with av.open(str(source), "w", container_options=options) as writing:
        writing.metadata.update({make: "A phone", "title": "Take 3"})
        stream: Any = writing.add_stream("libx264", rate=24)
        stream.width = stream.height = 64
        writing.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        writing.mux(stream.encode(None))
    for name, lost in (("a.mov", []), ("a.mkv", []), ("a.mp4", [make])):
        said = write_video(source, tmp_path / name, {}, comment="made by us")
        assert said == [f"{key} left out of the new video: .mp4 holds none" for key in lost]
        with av.open(str(tmp_path / name)) as made:
            found = {key.lower(): text for key, text in made.metadata.items()}
        assert found.get(make) == (None if lost else "A phone")
        assert (found["title"], found["comment"]) == ("Take 3", "made by us")


def test_a_colour_profile_that_a_new_video_loses_is_named(tmp_path: Path) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (90, 80, 70)).save(drawn, "PNG", icc_profile=b"of a screen")
    with av.open(str(tmp_path / "of.mov"), "w") as writing:
        stream: Any = writing.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "rgb24"
        packet = av.Packet(drawn.getvalue())
        packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 24), True
        packet.pts = packet.dts = 0
        writing.mux(packet)
    said = write_video(tmp_path / "of.mov", tmp_path / "a.mov", {})
    assert "the colour profile left out of the new video" in said


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_comment_of_the_source_stands_before_ours(tmp_path: Path, name: str) -> None:
    source = tmp_path / "of.mp4"
    with av.open(str(source), "w") as writing:
        writing.metadata["comment"] = "of the day"
        stream: Any = writing.add_stream("mpeg4", rate=24)
        stream.width = stream.height = 64
        writing.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        writing.mux(stream.encode(None))
    for _ in range(2):
        out = tmp_path / name
        write_video(source, out, {}, coding=Coding(), comment="made by us")
        with av.open(str(out)) as found:
            texts = [v for k, v in found.metadata.items() if k.lower() == "comment"]
        assert texts == ["of the day\nmade by us"]
        source = out.rename(tmp_path / f"again_{name}")


@pytest.mark.parametrize("loops", [None, 0, 3])
def test_a_gif_keeps_its_loops_comments_and_last_time(
    loops: int | None, tmp_path: Path, capsys: Streams
) -> None:
    clip, (first, *more) = (
        tmp_path / "a.gif",
        [Image.new("RGB", (64, 48), (90, 90, n)) for n in (1, 60, 120)],
    )
    repeated = {} if loops is None else {"loop": loops}
    first.save(
        clip,
        save_all=True,
        append_images=more,
        duration=[100, 200, 700],
        comment=b"x" * 300,
        **repeated,
    )
    assert smile(clip) == 0
    assert gif_facts(clip).loops == loops
    found = gif_facts(tmp_path / "a_happy.gif")
    own, ours = found.comments
    assert (found.loops, own) == (loops, b"x" * 300)
    assert b"reggan-plugin" in ours
    with av.open(str(tmp_path / "a_happy.gif")) as made:
        assert [frame.duration for frame in made.decode(video=0)] == [10, 20, 70]
    again = tmp_path / "again.gif"
    assert smile(tmp_path / "a_happy.gif", "--out", again) == 0
    assert gif_facts(again) == found, "the note is there once"
    late = tmp_path / "late.gif"  # its comment right before its end
    profile = b"!\xff\x0bICCRGBG1012\4icc.\0"
    late.write_bytes(again.read_bytes().removesuffix(b";") + profile + b"!\xfe\4late\0;")
    capsys.readouterr()
    assert smile(late, "--out", again, "--overwrite") == 0
    assert "its colour profile left out of the new video" in capsys.readouterr().err
    assert gif_facts(again).comments == (own, b"late", ours)
    assert gif_facts(again).pictures == len(frames_of(again)) == 3
    if loops is not None:
        assert smile(clip, "--out", tmp_path / "a.mkv", "--json") == 0
        assert "the number of loops is left out" in capsys.readouterr().out
        with av.open(str(tmp_path / "a.mkv")) as made:
            assert made.duration == 1_000_000  # microseconds


def test_what_a_gif_does_not_hold_is_said(tmp_path: Path, capsys: Streams) -> None:
    clip = write_clip(tmp_path / "a.mkv")
    with av.open(str(clip)) as source, av.open(str(tmp_path / "named.mkv"), "w") as named:
        named.metadata.update({"title": "Take 3", "comment": "of the day"})
        stream = named.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                named.mux(packet)
    assert smile(tmp_path / "named.mkv", "--out", tmp_path / "b.gif", "--json") == 0
    said = [one["message"] for one in json.loads(capsys.readouterr().out)["notices"]]
    lost = "b.gif: title left out of the new video: .gif holds none"
    assert lost in [one.lower() for one in said]
    assert gif_facts(tmp_path / "b.gif").comments[0] == b"of the day"


def test_a_range_changes_its_frames_alone(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv", is_steady=True)
    assert smile(clip, "--range", "3-4", "--out", tmp_path / "new" / "part.mkv") == 0
    pairs = zip(frames_of(clip), frames_of(tmp_path / "new" / "part.mkv"), strict=True)
    changed = [bool((old != new).any()) for (_, old), (_, new) in pairs]
    assert changed == [False, False, True, True, False, False, False]


def test_codec_and_container_can_be_chosen(tmp_path: Path, capsys: Streams) -> None:
    clip = write_clip(tmp_path / "a.mp4")
    out = tmp_path / "edit.mov"
    assert smile(clip, "--out", out, "--codec", "prores") == 0
    with av.open(str(out)) as made:
        assert made.streams.video[0].codec_context.name == "prores"
        assert made.streams.video[0].pix_fmt == "yuv422p10le"
    assert sound_of(out)
    assert smile(clip, "--out", tmp_path / "x.webm", "--codec", "h264") == 2
    assert "x.webm cannot hold h264; .webm holds vp9" in capsys.readouterr().err
    sizes = []
    for words in (("--quality", "4"), ("--quality", "45"), ("--bitrate", "9k")):
        assert smile(clip, "--out", tmp_path / "q.mp4", "--overwrite", *words) == 0
        with av.open(str(tmp_path / "q.mp4")) as made:
            sizes.append(sum(one.size for one in made.demux(video=0)))
    assert sizes[0] > 2 * max(sizes[1:])
    assert smile(clip, "--out", tmp_path / "x.mov", "--codec", "prores", "--quality", "9") == 2
    assert "prores takes no quality and no bitrate; h264, h265, vp9 do" in capsys.readouterr().err
    assert smile(clip, "--out", tmp_path / "x.mp4", "--quality", "52") == 2
    assert smile(clip, "--out", tmp_path / "x.mp4", "--quality", "9", "--bitrate", "1M") == 2
    assert smile(clip, "--out", tmp_path / "x.gif") == 0
    assert len(frames_of(tmp_path / "x.gif")) == FRAMES


def test_a_video_without_a_face_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    monkeypatch.setattr(ReddeningTransfer, "find_faces", lambda *_: ChosenFaces())
    clip = write_clip(tmp_path / "a.mp4")
    assert smile(clip, "--progress", "plain", "--on-missing-face", "copy") == 1
    assert not (tmp_path / "a_happy.mp4").exists()
    out, err = capsys.readouterr()
    assert out == "", "frames that wait for the video are no results"
    assert "] a.mp4 frame 1 copied: no face" in err


def test_videos_are_found_in_a_folder_without_pictures(tmp_path: Path, capsys: Streams) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    write_clip(clips / "a.mp4", frames=2)
    write_clip(clips / "a.mkv", frames=2)
    assert smile(clips, "--out", tmp_path / "o") == 0
    assert sorted(path.name for path in (tmp_path / "o").glob("*.*")) == [
        ".reggan",
        "a.mkv",
        "a.mp4",
    ]
    assert smile(clips, "--dry-run") == 0
    assert capsys.readouterr().out.split()[-1].endswith("_happy.mp4")


def test_videos_in_a_folder_of_pictures_are_left_out_and_said(
    tmp_path: Path, capsys: Streams
) -> None:
    shot = tmp_path / "shot"
    (shot / "takes").mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(shot / "a.1.png")
    clips = [shot / "a.mp4", shot / "b.GIF", shot / "takes/c.mov"]
    for path in (*clips, shot / "._a.mp4"):
        path.write_bytes(b"")
    said = f"2 videos are left out, beside pictures, the first: {clips[0]}."
    copied = ["--out", tmp_path / "o", "--on-missing-face", "copy"]
    assert smile(shot, *copied, "--json") == 0
    streams = capsys.readouterr()
    assert {"message": said, "frames": 0}.items() <= json.loads(streams.out)["notices"][0].items()
    told = [json.loads(line) for line in streams.err.splitlines()]
    assert [one["remedy"] for one in told if one.get("message") == said] == [
        "`render` and `perform` take a video that is named itself."
    ]
    assert smile("--frames", shot, *copied, "--overwrite") == 0
    assert said in capsys.readouterr().err
    assert smile(shot, "--recursive", *copied, "--dry-run", "--overwrite") == 0
    assert "3 videos are left out" in capsys.readouterr().err
    assert main(["track", str(shot), "--no-smooth", "--out", str(tmp_path / "t.json")]) == 1
    assert said in capsys.readouterr().err
    write_clip(clips[0], frames=2)
    assert smile(shot, clips[0], *copied, "--dry-run", "--overwrite") == 0
    assert f"1 video is left out, beside pictures: {clips[1]}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("a.mp4", "zeroed bytes"),
        ("a.mkv", "corrupt middle"),
        ("a.mov", "cut at two thirds"),
        ("a.webm", "cut at two thirds"),
    ],
)
def test_a_damaged_video_fails_and_the_others_go_on(
    name: str, damage: str, tmp_path: Path, capsys: Streams
) -> None:
    """As frames do: a damaged frame leaves those beside it, which wait for `--resume`."""
    clips, out = tmp_path / "clips", tmp_path / "o"
    clips.mkdir()
    bad = clips / name
    bad.write_bytes(attacks.damaged_videos(attacks.video(bad))[damage])
    assert smile(bad, "--out", out / name) == 1
    assert f"{name} " in capsys.readouterr().err
    good = write_clip(clips / ("a.mov" if name != "a.mov" else "a.mp4"), frames=2)
    assert smile(clips, "--out", out, "--resume", "--json") == 1
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert counts["failed"] >= 1
    assert [path.name for path in out.glob("*.*") if path.suffix] == [good.name]
    assert len(frames_of(out / good.name)) == 2
    again = tmp_path / "again"
    assert smile(clips, "--out", again) == 1
    assert capsys.readouterr().out.split() == [str(again / good.name)], "once"


def test_damage_is_told_each_time_that_a_video_is_read(tmp_path: Path) -> None:
    """A shot is tracked, then rendered: what only a log tells must not be heard once alone."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as writing:
        picture = writing.add_stream("ffv1", rate=24)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(6):
            pixels = np.random.default_rng(number).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            writing.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        writing.mux(picture.encode(None))
    sound = path.read_bytes()
    path.write_bytes(sound[: len(sound) // 2] + bytes(90) + sound[len(sound) // 2 + 90 :])
    clip, told = VideoFile(path), []
    for number in (*range(1, 7), *range(1, 7)):
        try:
            clip.content(f"{number:08}.png")
        except UnreadableFrameError:
            told.append(number)
    assert len(told) == 2
    assert told[0] == told[1]


def test_a_video_whose_times_begin_again_is_damaged(tmp_path: Path) -> None:
    """Two files, one behind the other, which some programs play."""
    clip = write_clip(tmp_path / "a.mkv")
    clip.write_bytes(2 * clip.read_bytes())
    with pytest.raises(UnreadableFrameError, match=f"begin again at frame {FRAMES + 1}"):
        VideoFile(clip)


def test_a_video_whose_tables_are_cut_off_is_damaged(tmp_path: Path) -> None:
    """All frames may be there, and the sound is gone."""
    clip = write_clip(tmp_path / "a.mp4")
    sound = clip.read_bytes()
    clip.write_bytes(sound + b"what a phone puts behind it")
    assert len(VideoFile(clip)) == FRAMES
    clip.write_bytes(sound[:-40])
    with pytest.raises(UnreadableFrameError, match="within a box"):
        VideoFile(clip)


def test_frames_are_the_same_in_any_order(tmp_path: Path) -> None:
    clip = VideoFile(write_clip(tmp_path / "a.mp4"))
    in_order = [clip.content(f"{number:08}.png") for number in range(1, FRAMES + 1)]
    for number in (5, 2, 7, 1, 6, 6):
        assert clip.content(f"{number:08}.png") == in_order[number - 1]
    clip.close()
    assert clip.content("00000003.png") == in_order[2]


def test_ffmpeg_never_runs_in_this_process(tmp_path: Path) -> None:
    clip = str(write_clip(tmp_path / "a.mp4"))
    lines = (
        "import sys; from pathlib import Path; from reggan_plugin.files.video import VideoFile",
        "from reggan_plugin.files.video_writing import write_video",
        f"clip = VideoFile(Path({clip!r})); clip.content('00000002.png')",
        f"write_video(Path({clip!r}), Path({clip!r}).with_name('b.mov'), {{}})",
        "assert 'av' not in sys.modules",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
    assert (tmp_path / "b.mov").stat().st_size > 1000


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("23.976", "24000/1001"),
        ("23.98", "24000/1001"),
        ("59.94", "60000/1001"),
        ("30000/1001",) * 2,
    ]
    + [(same, same) for same in ("24", "25", "12.5", "23.9", "0.001", "1000")],
)
def test_rates_are_taken_as_people_mean_them(text: str, fps: str) -> None:
    assert fps_from_text(text) == Fraction(fps)


@pytest.mark.parametrize("text", ["0.0001", "1e-9", "0", "1001", "nan", "1/0"])
def test_a_rate_that_no_video_has_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no number of frames a second"):
        fps_from_text(text)


def test_a_video_takes_its_name_whole_or_not_at_all(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mkv")
    longest = tmp_path / f"{'b' * 251}.mkv"
    write_video(clip, longest, {})
    assert len(frames_of(longest)) == FRAMES
    (tmp_path / "c.mkv").mkdir()
    with pytest.raises(OutputError, match=r"c\.mkv cannot be written: .*Name another output"):
        write_video(clip, tmp_path / "c.mkv", {})
    assert not list(tmp_path.glob(f"*{TEMPORARY_SUFFIX}"))


def test_what_is_no_video_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video" * 99)
    with pytest.raises(UnreadableFrameError, match=r"a\.mp4 cannot be read as a video"):
        VideoFile(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="cannot hold prores"):
        codec_for(Path("a.mp4"), "h264", Coding(codec="prores"))


def test_a_failure_leaves_no_half_written_video(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4")

    def fail(number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(clip, tmp_path / "out.mp4", {}, done=fail)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_finished_video_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    clip, out = write_clip(tmp_path / "a.mkv"), tmp_path / "new.mkv"
    assert smile(clip, "--out", out) == 0
    assert smile(clip, "--out", out, "--resume", "--rehash") == 0
    sound, times = out.read_bytes(), out.stat()
    middle = len(sound) // 2
    zeros = bytes(200)  # of one flipped bit a decoder may make another picture
    out.write_bytes(sound[:middle] + zeros + sound[middle + len(zeros) :])
    os.utime(out, ns=(times.st_atime_ns, times.st_mtime_ns))
    damaged = out.read_bytes()
    assert smile(clip, "--out", out, "--resume") == 0
    assert out.read_bytes() == damaged, "size and time tell nothing"
    assert smile(clip, "--out", out, "--resume", "--rehash") == 0
    assert out.read_bytes() != damaged
    assert len(frames_of(out)) == FRAMES


@pytest.fixture
def with_layers(tmp_path: Path) -> list[str | Path]:
    """Words that render a video with layers, and have rendered it."""
    clip = write_clip(tmp_path / "a.mkv", frames=3)
    words: list[str | Path] = [clip, "--out", tmp_path / "new.mkv", "--exr-layers", "mask"]
    words += ["--layers-out", tmp_path / "layers"]
    assert smile(*words) == 0
    return words


@pytest.mark.parametrize("damage", ["missing", "other", "longer"])
def test_a_damaged_layer_of_a_video_is_told_and_made_again(
    tmp_path: Path, capsys: Streams, with_layers: list[str | Path], damage: str
) -> None:
    out, layer = tmp_path / "new.mkv", tmp_path / "layers" / "mask" / "00000002.exr"
    report = ["report", str(with_layers[0]), "--out", str(out)]
    frames = tmp_path / ".reggan" / "new.mkv.frames"
    assert main(report) == 0
    assert smile(*with_layers, "--resume", "--rehash") == 0
    assert not [path for path in frames.iterdir() if path.is_file()], "no frame waits"
    capsys.readouterr()
    made, sound = out.stat(), layer.read_bytes()
    layer.unlink()
    if damage != "missing":
        layer.write_bytes(bytes(len(sound) + (damage == "longer")))
    assert main(report) == 1
    assert str(layer) in capsys.readouterr().err
    assert smile(*with_layers, "--resume") == 0
    assert layer.read_bytes() == sound
    assert out.stat().st_mtime_ns != made.st_mtime_ns
    assert main(report) == 0


def test_another_expression_renews_the_layers_of_a_video(
    tmp_path: Path, capsys: Streams, with_layers: list[str | Path]
) -> None:
    layer = tmp_path / "layers" / "mask" / "00000002.exr"
    made = layer.stat().st_mtime_ns
    assert smile(*with_layers, "--resume", "--intensity", "0.5") == 0
    assert layer.stat().st_mtime_ns > made
    elsewhere = [*with_layers[:-1], tmp_path / "b"]
    capsys.readouterr()
    assert smile(*elsewhere, "--resume", "--intensity", "0.5") == 0
    assert (tmp_path / "b" / "mask" / "00000002.exr").exists()
    said = f"{tmp_path / 'layers'}, and do not fit"
    assert f"Layers of an earlier run stay in {said}" in capsys.readouterr().err
    assert smile(*with_layers[:3], "--overwrite") == 0
    assert f"Layers of an earlier run stay in {tmp_path / 'b'}, {said}" in capsys.readouterr().err
    assert smile(*elsewhere, "--resume") == 0, "they are known as its own still"


def test_a_layer_of_a_video_that_somebody_changed_is_left(
    tmp_path: Path, capsys: Streams, with_layers: list[str | Path]
) -> None:
    mask = tmp_path / "layers" / "mask_png" / "00000002.png"
    Image.new("I;16", (WIDTH, HEIGHT), 999).save(mask)
    painted = mask.read_bytes()
    capsys.readouterr()
    assert smile(*with_layers, "--resume") == 0
    assert "1 output was changed since" in capsys.readouterr().err
    assert smile(*with_layers, "--resume", "--intensity", "0.5") == 1
    assert f"{mask} was changed since it was rendered" in capsys.readouterr().err
    (tmp_path / "new.mkv").unlink()
    assert smile(*with_layers, "--resume") == 1, "there is no video to leave"
    assert mask.read_bytes() == painted
    assert smile(*with_layers, "--overwrite") == 0
    assert mask.read_bytes() != painted


def test_layers_of_a_job_that_was_stopped_are_not_those_of_the_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams, with_layers: list[str | Path]
) -> None:
    def fail(*_: Any) -> np.ndarray:
        raise UnreadableFrameError("a fault.")

    report = ["report", str(with_layers[0]), "--out", str(tmp_path / "new.mkv")]
    with monkeypatch.context() as broken:
        broken.setattr(ReddeningTransfer, "render", fail)
        assert smile(*with_layers, "--overwrite", "--intensity", "0.5") == 1
    assert main(report) == 1, "its records tell of other frames"
    assert smile(*with_layers, "--resume") == 0
    assert main(report) == 0


@pytest.mark.parametrize("is_retouched", [True, False])
def test_a_failed_overwrite_does_not_make_a_video_of_others_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_retouched: bool
) -> None:
    clip, out = write_clip(tmp_path / "a.mkv"), tmp_path / "new.mkv"
    if is_retouched:
        assert smile(clip, "--out", out) == 0
    other = write_clip(tmp_path / "a.mp4")
    write_video(other, out, {})
    stand_in = out.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(video_writing, "talk_apart", fail_as_a_full_disk)
        assert smile(clip, "--out", out, "--overwrite", "--intensity", "0.5") == 1
    for more in ([], ["--intensity", "0.5"]):
        smile(clip, "--out", out, "--resume", *more)
        assert out.read_bytes() == stand_in
    assert smile(clip, "--out", out, "--overwrite") == 0
    assert out.read_bytes() != stand_in


def fail_as_a_full_disk(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("has_its_name", [True, False])
def test_a_job_that_was_killed_when_it_replaced_a_video_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_its_name: bool
) -> None:
    clip, out = write_clip(tmp_path / "a.mkv"), tmp_path / "new.mkv"
    assert smile(clip, "--out", out, "--intensity", "0.5") == 0
    half = out.read_bytes()
    replace = Path.replace

    def replace_and_die(path: Path, target: Path) -> Path:
        if target != out:
            return replace(path, target)
        if has_its_name:
            replace(path, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", replace_and_die)
        assert smile(clip, "--out", out, "--overwrite") == 130
    assert (out.read_bytes() != half) == has_its_name
    assert smile(clip, "--out", out, "--resume") == 0
    whole = tmp_path / "whole.mkv"
    assert smile(clip, "--out", whole) == 0
    same = zip(frames_of(out), frames_of(whole), strict=True)
    assert all(np.array_equal(one, other) for (_, one), (_, other) in same)
    assert smile(clip, "--out", out, "--resume") == 0


def test_frames_of_a_video_are_called_by_their_number() -> None:
    assert name_of_frame(Path("a.mp4/00000012.png")) == "a.mp4 frame 12"
    assert name_of_frame(Path("a.mp4/face.png")) == "face.png", "a folder is called so"
    told = str(unreadable_frames({Path("a.mp4/00000003.png"): "it is damaged"}, 9))
    assert "count as gaps: a.mp4 frame 3; the first: it is damaged" in told


def test_each_lossy_compression_is_told() -> None:
    events: list[Event] = []
    log = ResultLog(frames=3, device=None, report=events.append)
    log.take(
        FrameResult(
            source=Path("a.exr"),
            output=Path("b.exr"),
            outcome="written",
            generation_loss=GenerationLoss(compression=name, largest=0.1, rms=0.01),
        )
        for name in ("B44", "DWAA", "B44")
    )
    assert list(log.notices.values()) == [2, 1]
    assert [name in said for name, said in zip(("B44", "DWAA"), log.notices, strict=True)] == [
        True,
        True,
    ]


def test_a_dry_run_fails_where_a_name_has_no_place(tmp_path: Path, capsys: Streams) -> None:
    frame = tmp_path / f"{'n' * 251}.png"
    Image.new("RGB", (32, 32)).save(frame)
    assert smile(frame, "--out", tmp_path / "o/", "--dry-run") == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "is longer than 255 bytes. Rename the frame." in streams.err


def test_a_report_tells_a_damaged_video(tmp_path: Path, capsys: Streams) -> None:
    clip = write_clip(tmp_path / "a.mp4")
    assert smile(clip) == 0
    made = tmp_path / "a_happy.mp4"
    words = ["report", str(clip), "--out", str(made)]
    assert main(words) == 0
    content = bytearray(made.read_bytes())
    content[-9] ^= 1
    made.write_bytes(content)
    capsys.readouterr()
    assert main([*words, "--quick"]) == 0, "its size is the same"
    assert main(words) == 1
    streams = capsys.readouterr()
    assert (
        "a.mp4: altered: It was changed since it was rendered: its content is another."
        in streams.out
    )
    assert "`reggan-plugin render --overwrite` makes it again." in streams.err
    (tmp_path / ".reggan" / "a_happy.mp4.json").unlink()
    assert main(words) == 1
    assert "a.mp4: no record" in capsys.readouterr().out
    assert main([*words, "--html", str(tmp_path / "a.html")]) == 2
    assert main(["report", str(tmp_path), "--out", str(made)]) == 2
    assert "of one picture or video, its result" in capsys.readouterr().err


def test_a_report_tells_the_result_of_another_video(tmp_path: Path, capsys: Streams) -> None:
    clip, made = write_clip(tmp_path / "a.mp4"), tmp_path / "a_happy.mp4"
    assert smile(clip) == 0
    words = ["report", str(clip), "--out", str(made)]
    record = tmp_path / ".reggan" / "a_happy.mp4.json"
    assert json.loads(record.read_text())["input_sha256"] == sha256_of(clip.read_bytes())
    later = clip.stat().st_mtime_ns + 10**9
    os.utime(clip, ns=(later, later))
    assert main(words) == 0, "the bytes are those that were read"
    write_clip(clip, frames=FRAMES - 1)
    capsys.readouterr()
    assert main(words) == 1
    assert "a.mp4: altered: Its source has changed since" in capsys.readouterr().out

    pictures = tmp_path / "shot"
    old = {**json.loads(record.read_text()), "source": str(pictures)}
    old = {name: value for name, value in old.items() if not name.startswith("input_")}
    record.write_text(json.dumps(old))
    assert main(words) == 1, "it was made of pictures"
    record.write_text(json.dumps({**old, "source": str(clip)}))
    assert main(words) == 0, "records of 0.6.1 do not tell"
    record.write_text(json.dumps({**old, "source": str(clip), "input_state": {"size": "1"}}))
    assert main(words) == 1, "the record is damaged"


def test_a_video_takes_no_name_that_appears_meanwhile(tmp_path: Path) -> None:
    clip, out = write_clip(tmp_path / "a.mkv"), tmp_path / "new.mkv"

    def somebody(number: int) -> None:
        out.write_bytes(b"somebody's")

    with pytest.raises(OutputExistsError, match="Nothing was there when this began"):
        write_video(clip, out, {}, done=somebody, is_new=True)
    assert out.read_bytes() == b"somebody's"
    assert {path.name for path in tmp_path.iterdir()} == {"a.mkv", "new.mkv"}


def test_without_pyav_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    clip = write_clip(tmp_path / "a.mp4")
    monkeypatch.setattr(child_process, "HERE", True)
    monkeypatch.setitem(sys.modules, "av", None)
    assert smile(clip) == 1
    assert 'pip install "reggan-plugin[video]"' in capsys.readouterr().err


def test_few_frames_are_held_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the length of a video: frames are decoded as they are needed."""
    clip = write_clip(tmp_path / "a.mp4", frames=60)
    asked, written = [], []
    content = VideoFile.content

    def counted(self: VideoFile, name: str) -> bytes:
        asked.append(name)
        return content(self, name)

    def seen(self: ReddeningTransfer, *given: Any) -> np.ndarray:
        written.append(len(asked))
        return np.zeros((HEIGHT, WIDTH, 3), np.float32)

    monkeypatch.setattr(video.VideoFile, "content", counted)
    monkeypatch.setattr(ReddeningTransfer, "render", seen)
    assert smile(clip) == 0
    assert max(read - done for done, read in enumerate(written)) <= 8


def test_frames_too_fast_for_a_gif_are_refused_before_they_are_rendered(
    tmp_path: Path, capsys: Streams
) -> None:
    clip, shot = tmp_path / "a.mp4", tmp_path / "shot"
    grey = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    write_new_video([lambda: grey] * 9, clip, coding=Coding(), fps=Fraction(120))
    shot.mkdir()
    for number in (1, 2, 3):
        Image.fromarray(grey).save(shot / f"a.{number}.png")
    for given in ([clip], [shot, "--fps", "120"]):
        assert smile(*given, "--out", tmp_path / "a.gif", "--dry-run") == 2
        assert "hundredths of a second" in capsys.readouterr().err
    assert smile(shot, "--fps", "100", "--out", tmp_path / "a.gif", "--dry-run") == 0


def test_a_video_of_pictures_of_several_sizes_is_refused(tmp_path: Path) -> None:
    first, other = (np.zeros((32, side, 3), np.uint8) for side in (32, 64))
    pictures = [lambda: first, lambda: other]
    out = tmp_path / "a.mp4"
    with pytest.raises(UsageError, match="Picture 2 is 64x32, but the first is 32x32"):
        write_new_video(pictures, out, coding=Coding(), fps=Fraction(24))
    assert not out.exists()


def test_a_gif_of_pictures_says_what_was_changed(tmp_path: Path) -> None:
    out = tmp_path / "a.gif"
    pictures = [lambda: np.full((32, 32, 3), 90, np.uint8)] * 2
    write_new_video(pictures, out, coding=Coding(), fps=Fraction(10), comment="made by us")
    assert gif_facts(out).comments == (b"made by us",)
    assert len(frames_of(out)) == 2
