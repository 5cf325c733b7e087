"""What is added to this project itself takes one file, which is found by looking."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from reggan_plugin.curves import formats as take_formats
from reggan_plugin.curves import read_take
from reggan_plugin.files import formats as image_formats
from reggan_plugin.files import image_format
from reggan_plugin.files.frame import read_frame
from reggan_training.papers import networks
from reggan_training.papers.networks import architectures

AddFile = Callable[[ModuleType, str, str], None]


@pytest.fixture
def add_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AddFile]:
    """Give a package another module, as if it lay in its folder."""

    def add(package: ModuleType, name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        forget()

    def forget() -> None:
        read_take.take_formats.cache_clear()
        image_format.image_formats.cache_clear()
        image_format._own_suffixes.cache_clear()
        architectures.architectures.cache_clear()

    yield add
    monkeypatch.undo()
    forget()


def test_a_take_format_is_one_file(add_file: AddFile, tmp_path: Path) -> None:
    add_file(
        take_formats,
        "opened.py",
        "import numpy as np\n"
        "from reggan_plugin.curves.take import Columns, TakeFormat\n"
        "def read(path, rate_fps):\n"
        "    values = np.array([[float(word)] for word in path.read_text().split()])\n"
        "    return Columns(kind='opened', names=['jawOpen'], values=values,\n"
        "                   times_s=np.arange(len(values)) / rate_fps)\n"
        "FORMAT = TakeFormat(name='opened jaws', read=read, suffixes=('.opened',))\n",
    )
    (tmp_path / "a.opened").write_text("0.25 0.5 0.75")
    take = read_take.read_take(tmp_path / "a.opened", 24.0)
    assert take.names == ("jawOpen",)
    np.testing.assert_array_equal(take.weights[:, 0], [0.25, 0.5, 0.75])


def test_an_image_format_is_one_file(add_file: AddFile, tmp_path: Path) -> None:
    add_file(
        image_formats,
        "ppm.py",
        "from reggan_plugin.files.image_format import ImageFormat, begins_with\n"
        "from reggan_plugin.files.pillow_image import decode_pillow\n"
        "FORMAT = ImageFormat(\n"
        "    name='PPM', suffixes=('.ppm',), recognises=begins_with(b'P6'),\n"
        "    media_type='image/x-portable-pixmap', stamp=lambda content, text: content,\n"
        "    decode=lambda content, wanted: decode_pillow(content, 'PPM', save_options={}))\n",
    )
    levels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    Image.fromarray(levels).save(tmp_path / "a.ppm")
    np.testing.assert_allclose(read_frame(tmp_path / "a.ppm").pixels * 255, levels, atol=1e-4)


def test_an_architecture_is_one_file(add_file: AddFile) -> None:
    add_file(
        networks,
        "kept.py",
        "from reggan_training.papers.networks.expression_model import ExpressionModel\n"
        "class Kept(ExpressionModel):\n"
        '    architecture = "kept"\n'
        "    def make_face(self, image, expression):\n"
        "        return image\n",
    )
    from reggan_training.papers.networks.expression_model import ModelSettings

    assert "kept" in architectures.architecture_names()
    model = architectures.build_model(ModelSettings(architecture="kept", side_px=128))
    assert type(model).__name__ == "Kept"
