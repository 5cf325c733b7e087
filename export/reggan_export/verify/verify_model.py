"""`export verify`: whether a model file says the same however it is run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime

from reggan_export.verify.crops_and_bounds import Questions
from reggan_plugin.backends.devices import Tensors

if TYPE_CHECKING:
    from torch import nn

from reggan_export.verify.crops_and_bounds import questions_from_metadata
from reggan_export.verify.verify_report import Comparison, VerifyReport
from reggan_plugin.backends.devices import DEVICE_KINDS, Runner
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.errors import DeviceUnavailableError
from reggan_plugin.models.model_card import check_seal

Answer = Callable[[Tensors], Tensors]
OUTPUT_NAMES = ("face", "mask")
"""Outputs of an expression model."""
UNOPTIMISED = "ONNX Runtime on the CPU without graph optimisation"


def references_from(
    model: Path, checkpoint: Path | None, questions: Questions
) -> dict[str, Answer]:
    """Find the best reference that there is for a model file; in fp16 a second one beside it.

    The second is PyTorch with every result rounded to half precision, as a GPU will have it; ONNX
    Runtime computes an fp16 file in fp32 on a CPU, so that it alone would prove nothing.

    Args:
        model: the file; it is its own reference if there is nothing else.
        checkpoint: a run folder of `train`, or the checkpoint in it, or an .onnx that `model` was
            made of.
        questions: to the model, by the kind of its card.

    Raises:
        SourceError: `checkpoint` is none of these.
    """
    if checkpoint is None:
        return {f"itself by {UNOPTIMISED} (no checkpoint was given)": _from_onnx(model)}
    name = f"PyTorch, {checkpoint}"
    if questions.part:
        from reggan_export.source_network import locator_part

        locator = locator_part(questions.part, checkpoint)
        return {name: _from_module(locator.graph, locator.output_names)}
    if checkpoint.suffix == ".onnx" and questions.precision == "int8":
        return {f"{checkpoint.name} by {UNOPTIMISED}": _from_onnx(checkpoint)}
    found = {name: _from_network(checkpoint, questions.side_px, in_half=False)}
    if questions.precision == "fp16":
        found["PyTorch rounded to fp16"] = _from_network(
            checkpoint, questions.side_px, in_half=True
        )
    return found


def _from_onnx(file: Path) -> Answer:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        file.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    outputs = [output.name for output in session.get_outputs()]

    def answer(inputs: Tensors) -> Tensors:
        return dict(zip(outputs, session.run(outputs, inputs), strict=True))

    return answer


def _from_network(source: Path, side_px: int, in_half: bool) -> Answer:
    from reggan_export.source_network import model_at_side, network_from, round_as_in_half

    network = model_at_side(network_from(source), side_px)
    if in_half:
        round_as_in_half(network)
    return _from_module(network, OUTPUT_NAMES)


def _from_module(module: "nn.Module", outputs: Sequence[str]) -> Answer:
    import torch  # only a comparison with a checkpoint needs it

    def answer(inputs: Tensors) -> Tensors:
        with torch.no_grad():
            found = module(*(torch.from_numpy(array) for array in inputs.values()))
        return {name: value.numpy() for name, value in zip(outputs, found, strict=True)}

    return answer


def verify_model(
    model: Path,
    *,
    engine: Path | None = None,
    checkpoint: Path | None = None,
    devices: Sequence[str] = DEVICE_KINDS,
) -> VerifyReport:
    """Compare a file on every device with its reference, on real crops.

    Args:
        model: an expression model or a part of the face locator.
        engine: a TensorRT engine of the model, which then stands for the device `tensorrt`.
        checkpoint: see `references_from`; PyTorch's answers are then the reference.
        devices: as `open_runner` takes them. What this machine does not have is passed over and
            named. The locator and quantised models are for the CPU alone.

    Raises:
        ModelHashError, ModelCardError, ModelError: the file is damaged, is not ours, or fails.
        SourceError: `checkpoint` is no run.
        DeviceUnavailableError: the engine cannot be run here.
    """
    check_seal(model)
    on_cpu = open_runner(model, "cpu")
    questions = questions_from_metadata(on_cpu.metadata, str(model))
    (reference, answer), *halves = references_from(model, checkpoint, questions).items()
    subjects = {"cpu": on_cpu.run, **dict(halves)}
    if engine is not None:
        subjects[engine.name] = _runner_from_engine(engine).run
    done = {"cpu", "tensorrt"} if engine else {"cpu"}
    others = () if questions.for_cpu_alone else [one for one in devices if one not in done]
    opened, not_opened = _open_all(model, others)
    subjects |= {runner.device: runner.run for runner in opened}
    expected = {name: answer(inputs) for name, inputs in questions.probes.items()}
    comparisons = [
        Comparison(
            subject=name,
            differences={
                probe: questions.compare(inputs, expected[probe], subject(inputs))
                for probe, inputs in questions.probes.items()
            },
        )
        for name, subject in subjects.items()
    ]
    return VerifyReport(
        model=model.name,
        precision=questions.precision,
        reference=reference,
        frames=questions.frames,
        bounds=questions.bounds,
        comparisons=comparisons,
        not_opened=not_opened,
    )


def _open_all(model: Path, devices: Sequence[str]) -> tuple[list[Runner], dict[str, str]]:
    """Those that work, and why the others do not."""
    opened: list[Runner] = []
    not_opened: dict[str, str] = {}
    for device in devices:
        try:
            opened.append(open_runner(model, device))
        except DeviceUnavailableError as error:
            not_opened[device] = error.found
    return opened, not_opened


def _runner_from_engine(engine: Path) -> Runner:
    from reggan_plugin.backends.tensorrt_runner import runner_from_engine  # TensorRT is optional

    return runner_from_engine(engine)
