"""The answers to compare with: those of PyTorch, or of ONNX Runtime left to itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime

from reggan_export.verify.questions import Questions
from reggan_plugin.backends.runner import Tensors

if TYPE_CHECKING:
    from torch import nn

Answer = Callable[[Tensors], Tensors]
OUTPUT_NAMES = ("face", "mask")
"""Outputs of an expression model."""
UNOPTIMISED = "ONNX Runtime on the CPU without graph optimisation"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Source of the expected answers.

    Attributes:
        name: for the report.
        answer: outputs by name for inputs by name.
    """

    name: str
    answer: Answer


def references_from(
    model: Path, checkpoint: Path | None, questions: Questions
) -> tuple[Reference, ...]:
    """The best reference that there is for a model file; in fp16 a second one beside it.

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
    reference = _reference_from(model, checkpoint, questions)
    if questions.precision != "fp16" or checkpoint is None:
        return (reference,)
    answer = _from_network(checkpoint, questions.side_px, in_half=True)
    return reference, Reference(name="PyTorch rounded to fp16", answer=answer)


def _reference_from(model: Path, checkpoint: Path | None, questions: Questions) -> Reference:
    if checkpoint is None:
        name = f"itself by {UNOPTIMISED} (no checkpoint was given)"
        return Reference(name=name, answer=_from_onnx(model.read_bytes()))
    name = f"PyTorch, {checkpoint}"
    if questions.part:
        return Reference(name=name, answer=_from_locator(checkpoint, questions.part))
    if checkpoint.suffix == ".onnx" and questions.precision == "int8":
        name = f"{checkpoint.name} by {UNOPTIMISED}"
        return Reference(name=name, answer=_from_onnx(checkpoint.read_bytes()))
    answer = _from_network(checkpoint, questions.side_px, in_half=False)
    return Reference(name=name, answer=answer)


def _from_onnx(file: bytes) -> Answer:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]

    def answer(inputs: Tensors) -> Tensors:
        return dict(zip(outputs, session.run(outputs, inputs), strict=True))

    return answer


def _from_network(source: Path, side_px: int, in_half: bool) -> Answer:
    from reggan_export.half_precision import round_as_in_half
    from reggan_export.other_crop_size import model_at_side
    from reggan_export.source_network import source_of

    network = model_at_side(source_of(source).network(), side_px)
    if in_half:
        round_as_in_half(network)
    return _from_module(network, OUTPUT_NAMES)


def _from_locator(run: Path, part: str) -> Answer:
    from reggan_export.locator_parts import locator_part

    locator = locator_part(part, run)
    return _from_module(locator.graph, locator.output_names)


def _from_module(module: "nn.Module", outputs: Sequence[str]) -> Answer:
    import torch  # only a comparison with a checkpoint needs it

    def answer(inputs: Tensors) -> Tensors:
        with torch.no_grad():
            found = module(*(torch.from_numpy(array) for array in inputs.values()))
        return {name: value.numpy() for name, value in zip(outputs, found, strict=True)}

    return answer
