"""What the nodes give: the command line's bits, what stays, what is refused."""

import asyncio
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image

from reggan_plugin.comfyui import node_inputs_and_models
from reggan_plugin.comfyui.expression_nodes import (
    BlendedExpressions,
    BlendExpressions,
    ExpressionFromPicture,
    ExpressionNode,
    FaceShapes,
    StillExpression,
    TakeNode,
)
from reggan_plugin.comfyui.frames_from_tensors import read_batch
from reggan_plugin.comfyui.picture_nodes import (
    NO_CHANGE,
    ChangeExpression,
    ExpressionEditor,
    FindFaces,
    SaveExrWithLayers,
)
from reggan_plugin.comfyui.preview import PREVIEWS
from reggan_plugin.errors import FaceNotFoundError, ModelError, SourceError, UsageError
from reggan_plugin.models.model_card import find_model
from reggan_plugin.perform.read_expression import read_expression
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import Expression, ExpressionMix, parse_expression_mix

from ..curves.conftest import live_link
from .conftest import CHANGE, CancelledError, FakeComfy, as_saved, batch_of


def change(image: torch.Tensor, expression: Any, **asked: Any) -> tuple[Any, ...]:
    return ChangeExpression().run(image, expression, **{**CHANGE, **asked}, node="3")


def happy(intensity: float = 1.0) -> Any:
    return ExpressionNode().run("happy", intensity, "replace")[0]


@pytest.fixture(scope="module")
def transfer() -> ExpressionTransfer:
    return ExpressionTransfer(device="cpu")


def test_save_image_writes_the_levels_of_the_command_line(
    comfy: FakeComfy, face_file: Path, transfer: ExpressionTransfer
) -> None:
    image = batch_of(face_file)
    result, changed, *_ = change(image, happy(0.8))
    levels = np.asarray(Image.open(face_file))
    assert np.array_equal(as_saved(result)[0], transfer.apply(levels, "happy", 0.8))
    same = (as_saved(result)[0] == levels).all(axis=2)
    assert (changed[0].numpy() > 0).any()
    assert same[changed[0].numpy() == 0].all()
    assert torch.equal(result[0][torch.from_numpy(same)], image[0][torch.from_numpy(same)])
    assert comfy.steps == [(1, 1)]


def test_alpha_and_values_above_1_stay(comfy: FakeComfy, face_file: Path) -> None:
    image = batch_of(face_file) * 3
    alpha = torch.rand((*image.shape[:3], 1), generator=torch.Generator().manual_seed(1))
    image = torch.cat([image, 0.5 + alpha / 2], dim=3)
    result, changed, *_ = change(image, happy(), encoding="linear")
    assert result.shape == image.shape
    assert torch.equal(result[..., 3], image[..., 3])
    still = changed == 0
    assert torch.equal(result[still], image[still])
    assert result.max() > 1.5
    assert not torch.equal(result, image)


def test_layers_are_filled_when_asked_for(comfy: FakeComfy, face_file: Path) -> None:
    image = batch_of(face_file)
    *_, blocked, _, _ = change(image, happy())
    assert "layers" in blocked.message
    result, changed, stmap, gain, paint = change(image, happy(), layers=True)
    height, width = image.shape[1:3]
    across = torch.from_numpy((np.arange(width) + 0.5) / width).float()
    still = changed[0] == 0
    assert torch.equal(stmap[0, ..., 0][still], across.expand(height, width)[still])
    assert (gain[0][still] == 1).all()
    assert paint.shape[-1] == 4
    _, _, old_model, *_ = change(image, happy(), layers=True, model="sargan")
    assert "sargan" in old_model.message
    saved = SaveExrWithLayers().run(result, "angry", "sRGB", changed, stmap, gain, paint)
    path = Path(saved["result"][0])
    channels = OpenEXR.File(str(path), separate_channels=True).channels()
    assert np.array_equal(channels["reggan_stmap.u"].pixels, stmap[0, ..., 0].numpy())
    assert np.array_equal(channels["reggan.mask"].pixels, changed[0].numpy())
    assert {"R", "G", "B", "reggan_gain.G", "reggan_paint.A"} <= set(channels)
    with pytest.raises(UsageError, match="layer gain"):
        SaveExrWithLayers().run(result, "angry", "sRGB", gain=gain[:, 1:])
    with pytest.raises(UsageError, match="layer paint has 3 channels"):
        SaveExrWithLayers().run(result, "angry", "sRGB", paint=gain)
    with pytest.raises(UsageError, match="layer stmap has 1 channels"):
        SaveExrWithLayers().run(result, "angry", "sRGB", stmap=changed)


def test_a_connected_layer_is_filled(comfy: FakeComfy, face_file: Path) -> None:
    image = batch_of(face_file)
    prompt = {"3": {"inputs": {"layers": False}}, "4": {"inputs": {"images": ["3", 2]}}}
    assert change(image, happy(), prompt=prompt)[2].shape == image.shape
    with pytest.raises(UsageError, match="sargan"):
        change(image, happy(), prompt=prompt, model="sargan")
    prompt["4"]["inputs"]["images"] = ["3", 0]
    assert "layers" in change(image, happy(), prompt=prompt)[2].message


def test_what_is_no_picture_or_expression_is_named(comfy: FakeComfy, face_file: Path) -> None:
    image = batch_of(face_file)
    half, *_ = change(image.to(torch.bfloat16), happy())
    assert half.dtype == torch.bfloat16
    for asked in ({"mask": "x"}, {"faces": [1]}, {"image": None}, {"expression": None}):
        with pytest.raises(UsageError, match=f"The input {next(iter(asked))} got"):
            change(**{"image": image, "expression": happy(), **asked})
    with pytest.raises(UsageError, match="The input expression got"):
        BlendExpressions().run(expression_a=happy(), expression_b="happy", amount_b=1, amount_a=1)
    with pytest.raises(UsageError, match="An image of shape"):
        SaveExrWithLayers().run(image[..., :1], "a", "sRGB")
    with pytest.raises(UsageError, match="NUL"):
        SaveExrWithLayers().run(image, "a\0b", "sRGB")


def test_a_picture_without_a_face_is_named_or_left(comfy: FakeComfy, face_file: Path) -> None:
    image = torch.cat([batch_of(face_file), torch.full_like(batch_of(face_file), 0.5)])
    with pytest.raises(FaceNotFoundError, match="picture 2 of 2 pictures"):
        change(image, happy(), batch_is="separate pictures")
    result, *_ = change(
        image, happy(), batch_is="separate pictures", face_not_found="leave the picture"
    )
    assert torch.equal(result[1], image[1])
    assert not torch.equal(result[0], image[0])
    with pytest.raises(FaceNotFoundError, match=r"No face 4 .* faces \[0\]"):
        change(image[:1], happy(), face="4")
    with pytest.raises(FaceNotFoundError, match="picture 2 of 2"):
        FindFaces().run(image, "error", "separate pictures", "sRGB", "reggan", "cpu")


def test_a_mask_says_where(comfy: FakeComfy, face_file: Path) -> None:
    image = batch_of(face_file)
    mask = torch.zeros(image.shape[:3])
    mask[:, :, : image.shape[2] // 2] = 1
    result, *_ = change(image, happy(), mask=mask)
    half = image.shape[2] // 2
    assert torch.equal(result[:, :, half:], image[:, :, half:])
    assert not torch.equal(result[:, :, :half], image[:, :, :half])
    with pytest.raises(UsageError, match="leave it unconnected"):
        change(image, happy(), mask=torch.zeros((1, 64, 64)))


def test_cancel_ends_a_batch(comfy: FakeComfy, face_file: Path) -> None:
    comfy.cancels_at = 2
    with pytest.raises(CancelledError):
        change(batch_of(*[face_file] * 3), happy(), batch_is="separate pictures")
    assert len(comfy.steps) == 2


def test_found_faces_are_used(comfy: FakeComfy, face_file: Path) -> None:
    image = batch_of(face_file)
    faces, boxes, landmarks, drawn = FindFaces().run(
        image, "error", "a shot", "sRGB", "reggan", "cpu"
    )
    assert len(boxes[0]) == 1
    assert set(json.loads(landmarks)["0"][0]) >= {"left_eye", "chin"}
    assert drawn.shape == image.shape
    assert not torch.equal(drawn, image)
    result, *_ = change(image, happy(), faces=faces)
    plain, *_ = change(image, happy())
    # they are read once more near where they were found
    assert (result - plain).abs().mean() < 0.25 * (plain - image).abs().mean()
    with pytest.raises(UsageError, match="same batch"):
        change(torch.cat([image, image]), happy(), faces=faces)
    [tracks] = FindFaces().run(torch.cat([image] * 2), "error", "a shot", "sRGB", "reggan", "cpu")[
        :1
    ]
    for found, others in ((faces, image[:, 8:]), (tracks, torch.cat([image[:, :, 8:]] * 2))):
        with pytest.raises(SourceError, match="the tracks are of pictures of"):
            change(others, happy(), faces=found)
    with pytest.raises(UsageError, match="same batch"):
        ExpressionEditor().run(
            torch.cat([image, image]),
            NO_CHANGE,
            "largest",
            "error",
            "a shot",
            "sRGB",
            "reggan",
            "cpu",
            faces=faces,
        )


def test_blends_add_up() -> None:
    sad, smirk = (StillExpression(parse_expression_mix(name)) for name in ("sad", "smirk"))
    blend = BlendedExpressions([(sad, 0.5), (smirk, 0.25)]).mix_at(0)
    assert blend == parse_expression_mix("sad:0.5+smirk:0.25")
    over = StillExpression(ExpressionMix({"smirk": 1.0}, adds=True))
    both = BlendedExpressions([(sad, 0.5), (over, 1.0)]).mix_at(0)
    parts = [sad.mix.scaled(0.5).control_weights(), over.mix.control_weights()]
    for name in {*parts[0], *parts[1]}:
        expected = min(sum(part.get(name, 0.0) for part in parts), 1.5)
        assert both.control_weights()[name] == pytest.approx(expected)
    [node] = BlendExpressions().run(
        expression_a=sad, expression_b=smirk, amount_a=0.5, amount_b=0.25, amount_c=1, amount_d=1
    )
    assert node.mix_at(3) == blend


def test_what_pictures_show_is_blended() -> None:
    def read(shape: str) -> StillExpression:
        known = Expression(name="like picture", weights={shape: 0.5}, source="read")
        return StillExpression(ExpressionMix({known.name: 1.0}, own={known.name: known}))

    one, other = read("mouthPucker"), read("cheekPuff")
    inner = BlendedExpressions([(one, 1.0), (other, 0.5)])
    blend = BlendedExpressions([(inner, 1.0), (one, 0.5), (happy(), 0.5)]).mix_at(0)
    assert not blend.adds
    weights = {**blend.control_weights(), "mouthPucker": 0.75, "cheekPuff": 0.25}
    assert weights == pytest.approx(blend.control_weights())
    assert set(weights) > set(happy().mix.control_weights())


def test_shapes_are_read_from_json() -> None:
    [shapes] = FaceShapes().run('{"mouthSmile": 0.5, "AU26": 1}', 1.0)
    intensities = shapes.mix_at(0).intensities
    assert intensities["mouthSmileLeft"] == intensities["mouthSmileRight"] == 0.5
    assert intensities["jawOpen"] > 0
    with pytest.raises(UsageError, match="no JSON object"):
        FaceShapes().run("jawOpen", 1.0)


def test_an_expression_is_taken_from_a_picture(comfy: FakeComfy, face_file: Path) -> None:
    image = batch_of(face_file)
    smile, *_ = change(image, happy())
    node, [readers, *_] = (
        ExpressionFromPicture(),
        ExpressionFromPicture.INPUT_TYPES()["required"]["reader"],
    )
    assert readers == ["rendered characters"]
    expression, shapes = node.run(smile, readers[0], 0.5, "sRGB", image)
    read = read_expression(
        read_batch(smile, "sRGB")[0].frame,
        reader="character",
        neutral=read_batch(image, "sRGB")[0].frame,
    )
    assert json.loads(shapes) == read
    assert read["mouthSmileLeft"] > 0.3
    weights = expression.mix_at(0).control_weights()
    assert weights["mouthSmileLeft"] == pytest.approx(0.5 * read["mouthSmileLeft"])
    assert weights["neutral"] == 0.5
    with pytest.raises(UsageError, match="no file in models/reggan"):
        node.run(smile, "../../secret.task", 1.0, "sRGB")
    with pytest.raises(FaceNotFoundError):
        node.run(torch.full((1, 96, 96, 3), 0.5), readers[0], 1.0, "sRGB")


def test_a_take_lies_on_the_batch(comfy: FakeComfy) -> None:
    live_link(comfy.folder / "input/take.csv")
    [take] = TakeNode().run("take.csv", 0.0, "1001", 1001, 1.0, "replace")
    assert take.mix_at(0).intensities["shutMouth"] == 1.0
    assert take.mix_at(0) != take.mix_at(3)
    fit = (0.5, "jawOpen=0.5,0.01")
    [fitted] = TakeNode().run("take.csv", 0.0, "1001", 1001, 1.0, "replace", *fit)
    jaw, half = (one.mix_at(3).intensities["jawOpen"] for one in (take, fitted))
    assert half == pytest.approx(0.5 * jaw + 0.01)
    with pytest.raises(UsageError, match="gains: 'brows' is no name and gain"):
        TakeNode().run("take.csv", 0.0, "1001", 1001, 1.0, "replace", 1.0, "brows")
    with pytest.raises(UsageError, match="the shot has 2001 to 2004"):
        TakeNode().run("take.csv", 0.0, "1001", 2001, 1.0, "replace")[0].refuse_beside(4)
    with pytest.raises(SourceError, match="no file in"):
        TakeNode().run("../secret.csv", 0.0, "", 1, 1.0, "replace")


def test_the_editor_answers_while_nothing_runs(comfy: FakeComfy, face_file: Path) -> None:
    pack = importlib.import_module("reggan_plugin.comfyui.pack")
    assert (Path(pack.WEB_DIRECTORY) / "reggan.js").is_file()
    assert set(pack.NODE_CLASS_MAPPINGS) == set(pack.NODE_DISPLAY_NAME_MAPPINGS)
    (comfy.folder / "input/frame.png").write_bytes(face_file.read_bytes())

    def ask(address: str, **asked: Any) -> Any:
        class Request:
            async def text(self) -> str:
                return json.dumps({"model": "reggan", "device": "cpu", **asked})

        return asyncio.run(comfy.routes[f"/reggan/{address}"](Request()))

    status, words = ask("words")
    assert status == 200
    assert len(words["expressions"]) >= 60
    assert sum(len(group["names"]) for group in words["shapes"]) == 51
    smile = {"weights": {"happy": 1}, "intensity": 1, "adds": False}
    status, kind, picture = ask("picture", file="frame.png", change=smile, longest=320, draft=True)
    assert (status, kind) == (200, "image/png")
    assert picture != ask("picture", file="frame.png", change={"weights": {}}, longest=320)[2]
    assert ask("thumbnail", file="frame.png", change=smile)[0] == 200
    assert ask("picture", node="7", change=smile)[1]["message"].endswith("workflow once.")
    assert "is no file in" in ask("picture", file="../frame.png", change=smile)[1]["message"]
    assert ask("places", node="7")[1]["places"] == []
    asked = {k: CHANGE[k] for k in ("face", "face_not_found", "batch_is", "encoding")}
    result, expression, _ = ExpressionEditor().run(
        batch_of(face_file), json.dumps(smile), **asked, model="reggan", device="cpu", node="7"
    )
    assert torch.equal(result, change(batch_of(face_file), expression)[0])
    assert ask("places", node="7")[1]["places"] == [0]
    assert ask("picture", node="7", change=smile)[0] == 200


def test_nobody_s_request_opens_a_file_elsewhere(comfy: FakeComfy, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("root:x:0:0\n")
    (comfy.folder / "input/link.csv").symlink_to(tmp_path / "secret.csv")
    for name in (str(tmp_path / "secret.csv"), "../secret.csv", "link.csv", "", "/dev/zero"):
        with pytest.raises(SourceError, match="is no file in"):
            TakeNode().run(name, 0.0, "", 1, 1.0, "replace")
    shipped = find_model()
    for path in (str(shipped), "../../evil.onnx", str(tmp_path / "evil.plan"), "x" * 5000):
        with pytest.raises(UsageError, match="is no model here") as refusal:
            node_inputs_and_models.opened(path, "tensorrt")
        assert len(str(refusal.value)) < 400
    (comfy.folder / "models/reggan").mkdir()
    (comfy.folder / "models/reggan/own.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"own\.onnx"):
        node_inputs_and_models.opened("own.onnx", "cpu")


def test_odd_names_offsets_and_rates_of_a_take_are_refused(comfy: FakeComfy) -> None:
    (comfy.folder / "input/loop.csv").symlink_to("loop.csv")
    for name in ("a\0b", "x" * 5000, "loop.csv"):
        with pytest.raises(SourceError, match="is no file in") as refusal:
            TakeNode().run(name, 0.0, "", 1, 1.0, "replace")
        assert len(str(refusal.value)) < 400
    live_link(comfy.folder / "input/take.csv")
    for offset in ("9" * 400, "9" * 5000):
        with pytest.raises(UsageError, match="is neither a frame"):
            TakeNode().run("take.csv", 0.0, offset, 1, 1.0, "replace")
    for rate in (float("nan"), float("inf"), -1.0):
        with pytest.raises(UsageError, match="The frame rate is"):
            TakeNode().run("take.csv", rate, "", 1, 1.0, "replace")


def test_a_place_that_is_none_is_refused(comfy: FakeComfy, face_file: Path) -> None:
    PREVIEWS.remember("9", read_batch(batch_of(face_file), "sRGB", None), None)
    for place in (1e999, float("nan"), 10**300, "0", [0], 0.5, True):
        with pytest.raises(UsageError, match="is not held"):
            PREVIEWS._source({"node": "9", "place": place})
    assert comfy.folder.is_dir()
