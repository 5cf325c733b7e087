"""`export int8` writes a file for the CPU only if it still says the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxscript")

import torch
from click.testing import Result
from PIL import Image

from reggan_export.int8_export import calibration_crops
from reggan_export.source_network import card_from, network_from
from reggan_export.verify.crops_and_bounds import VERIFY_FRAMES
from reggan_plugin.errors import EmptySourceError, ModelParityError, UsageError
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_training.papers.run_folder import RunFolder

from ..sample_frames import SAMPLES
from .test_picture_model_export import IN_THE_GATE, check_that_it_goes_into_the_runtime

RunMaker = Callable[..., Path]
Exporter = Callable[..., Result]


def convolutions(path: Path, quantised: bool) -> set[str]:
    """Names of convolutions whose weights are, or are not, 8-bit integers."""
    graph = onnx.load(path).graph
    integers = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    return {
        node.input[1]
        for node in graph.node
        if node.op_type == "Conv" and (node.input[1] in integers) == quantised
    }


def test_convolutions_become_integers_but_for_the_gathering_one(
    make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    full, small = tmp_path / "full.onnx", tmp_path / "small.onnx"
    check_that_it_goes_into_the_runtime(IN_THE_GATE, make_run(IN_THE_GATE), full, run_export)
    told = run_export("int8", full, "--out", small).stdout
    assert "Within the bounds." in told
    assert "ranges from 8 faces" in told
    assert "times as fast as full.onnx" in told
    assert len(convolutions(small, quantised=True)) == 20
    assert convolutions(small, quantised=False) == {"regression.one_hot"}
    assert small.stat().st_size < full.stat().st_size
    card = ExpressionTransfer(small, device="cpu").card
    assert (card.precision, card.name) == ("int8", "small")
    assert "full.onnx by ONNX Runtime" in run_export("verify", small, "--checkpoint", full).stdout

    again = run_export("int8", small, "--out", tmp_path / "again.onnx", fails=True).exception
    assert isinstance(again, UsageError)
    assert "int8 already; quantise the fp32 file" in str(again)


def test_what_quantisation_would_spoil_is_not_written(
    make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    run, full, small = make_run("us-gan"), tmp_path / "full.onnx", tmp_path / "small.onnx"
    folder = RunFolder(run)
    state = folder.load()
    state["averaged.head.weight"] *= 300  # saturated colours: a step of any value shows
    folder.save({name: torch.clone(value) for name, value in state.items()})
    run_export("onnx", run, "--out", full)
    error = run_export("int8", full, "--out", small, fails=True).exception
    assert isinstance(error, ModelParityError)
    assert "levels (mean), at most 1 is allowed. Nothing was written" in str(error)
    assert not small.exists()


def test_a_model_without_learnt_convolutions_is_refused(
    make_run: RunMaker, tmp_path: Path, run_export: Exporter
) -> None:
    full, small = tmp_path / "full.onnx", tmp_path / "small.onnx"
    run_export("onnx", make_run("regression"), "--out", full)
    error = run_export("int8", full, "--out", small, fails=True).exception
    assert isinstance(error, UsageError)
    assert "take the fp32 file" in str(error)
    assert not small.exists()


def test_ranges_come_from_other_pictures_than_the_proof(make_run: RunMaker, tmp_path: Path) -> None:
    run = make_run("sargan")
    card = card_from(run, network_from(run))
    crops, proof = calibration_crops(card), [str(path) for path in VERIFY_FRAMES]
    assert crops.shape == (8, 3, 64, 64)
    assert str(SAMPLES / "avatar_png" / "avatar.1001.png") in proof
    own = tmp_path / "frames" / "deeper"
    own.mkdir(parents=True)
    with Image.open(SAMPLES / "toon" / "toon.1001.png") as toon:
        toon.convert("RGB").save(own / "one.jpg")
    Image.fromarray(np.zeros((90, 160, 3), np.uint8)).save(own / "black.png")
    (own / "notes.txt").touch()
    assert len(calibration_crops(card, tmp_path / "frames")) == 1
    (own / "one.jpg").unlink()
    with pytest.raises(EmptySourceError, match="with a face; name a folder"):
        calibration_crops(card, tmp_path / "frames")
