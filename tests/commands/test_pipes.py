"""One picture or one video through standard streams, as FFmpeg sends and takes them."""

import io
import json
import subprocess
import sys
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from reggan_plugin.cli import main
from reggan_plugin.commands.render_output import holds_several_pictures

from .test_render_video import FRAMES, write_clip

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
Capture = pytest.CaptureFixture[bytes]


@pytest.fixture(autouse=True)
def own_folder(tracked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def ffmpeg(*words: str, content: bytes = b"") -> bytes:
    """What FFmpeg writes to its standard output."""
    command = [FFMPEG, "-v", "error", *words]
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch, capfdbinary: Capture) -> "Pipe":
    return Pipe(monkeypatch, capfdbinary)


class Pipe:
    """Runs `render -` on what a pipe brings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capture: Capture) -> None:
        self._monkeypatch, self._capture = monkeypatch, capture
        self.said = ""

    def __call__(self, content: bytes, *words: str, code: int = 0) -> bytes:
        class Stdin:
            buffer = io.BytesIO(content)

        self._monkeypatch.setattr(sys, "stdin", Stdin)
        assert main(["render", "-", "--expression", "happy", *words]) == code
        return self.written()

    def written(self) -> bytes:
        """What the last command wrote to standard output."""
        out, err = self._capture.readouterr()
        self.said = err.decode()
        return out


def frames_of(content: bytes, name: str) -> list[np.ndarray]:
    with av.open(io.BytesIO(content), format=name) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


def test_a_frame_of_a_video_goes_through_a_pipe(pipe: Pipe) -> None:
    clip = str(write_clip(Path("a.mp4")))
    frame = ffmpeg("-i", clip, "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-")
    with Image.open(io.BytesIO(pipe(frame))) as picture:
        assert picture.format == "PNG"
        assert np.asarray(picture)[24, 32, 0] == 255
    assert "To -: 1 frame" in pipe.said


@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_a_video_goes_from_ffmpeg_through_a_pipe_to_ffmpeg(pipe: Pipe, codec: str) -> None:
    clip = str(write_clip(Path("a.mp4")))
    sent = ffmpeg("-i", clip, "-c:v", codec, "-c:a", "copy", "-f", "matroska", "-")
    changed = pipe(sent)
    frames = frames_of(changed, "matroska")
    assert len(frames) == FRAMES
    assert all(frame[24, 32, 0] > 230 > 180 > frame[24, 32, 2] for frame in frames)
    raw = ffmpeg("-i", "-", "-fps_mode", "passthrough", *("-f", "rawvideo", "-"), content=changed)
    assert len(raw) % FRAMES == 0
    with av.open(io.BytesIO(changed)) as video:
        assert len(video.streams.audio) == 1
        assert video.streams.video[0].codec_context.name == codec.replace("libx264", "h264")


def test_standard_input_is_called_so_in_documents(pipe: Pipe) -> None:
    """The file that it was kept in for a while is gone when they are read."""
    content = io.BytesIO()
    Image.new("RGB", (16, 12), (90, 90, 90)).save(content, "PNG")
    words = ["-e", "sad", "--out", "few/", "--atlas", "a.png", "--json"]
    assert b'"source": "-"' in pipe(content.getvalue(), *words, "--dry-run")
    summary = json.loads(pipe(content.getvalue(), *words))
    assert [one["source"] for one in summary["written"]] == ["-", "-"]
    cells = json.loads(Path("a.json").read_text())["cells"]
    assert [cell["source"] for cell in cells] == ["-", "-", "-"]
    assert cells[0]["file"] == "-"
    assert all(Path(cell["file"]).is_file() for cell in cells[1:])


def test_a_video_from_a_pipe_may_become_a_file_and_a_file_go_into_a_pipe(pipe: Pipe) -> None:
    clip = write_clip(Path("a.mp4"))
    assert pipe(clip.read_bytes(), "--out", "b.mp4").split() == [b"b.mp4"]
    assert f"To b.mp4: {FRAMES} frames" in pipe.said
    assert len(frames_of(Path("b.mp4").read_bytes(), "mp4")) == FRAMES
    assert main(["render", "b.mp4", "--expression", "happy", "--out", "-"]) == 0
    assert len(frames_of(pipe.written(), "mp4")) == FRAMES


def test_several_pictures_in_one_stream_are_refused(pipe: Pipe) -> None:
    clip = str(write_clip(Path("a.mp4")))
    for codec in ("png", "mjpeg"):
        stream = ffmpeg("-i", clip, "-f", "image2pipe", "-c:v", codec, "-")
        assert pipe(stream, code=1) == b""
        assert "holds several pictures, and - stands for one" in pipe.said
        assert "ffmpeg -i ... -c:v ffv1 -f matroska -" in pipe.said


def test_one_picture_with_another_inside_is_one() -> None:
    picture = Image.new("RGB", (8, 8))
    for kind in ("PNG", "JPEG"):
        one = io.BytesIO()
        picture.save(one, kind)
        assert not holds_several_pictures(one.getvalue())
        assert not holds_several_pictures(one.getvalue()[:-4])
        assert not holds_several_pictures(one.getvalue() + b"trailing")
        assert holds_several_pictures(one.getvalue() * 2)
    both = io.BytesIO()
    picture.save(both, "MPO", save_all=True, append_images=[picture])
    assert not holds_several_pictures(both.getvalue())


def test_what_is_neither_gives_no_output(pipe: Pipe) -> None:
    assert pipe(b"no picture", code=1) == b""
    assert "is neither picture nor video: it begins with b'no pictu'" in pipe.said
