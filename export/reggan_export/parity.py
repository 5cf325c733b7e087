"""Proves that a model file says the same however it is run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from reggan_export.parity_report import Comparison, ParityReport
from reggan_export.proof import Proof, proof_from_metadata
from reggan_export.reference import Answer, references_from
from reggan_plugin.backends.device_name import DEVICE_KINDS
from reggan_plugin.backends.open_runner import open_runner
from reggan_plugin.backends.runner import Runner, Tensors
from reggan_plugin.errors import DeviceUnavailableError
from reggan_plugin.models.model_hash import check_seal


def verify_model(
    model: Path,
    *,
    engine: Path | None = None,
    checkpoint: Path | None = None,
    devices: Sequence[str] = DEVICE_KINDS,
) -> ParityReport:
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
    against_run = checkpoint is not None and checkpoint.suffix != ".onnx"
    proof = proof_from_metadata(on_cpu.metadata, str(model), against_run=against_run)
    reference, *halves = references_from(
        model,
        checkpoint,
        part=proof.part,
        precision=proof.precision,
        contract=proof.contract,
        side_px=proof.side_px,
    )
    subjects = {"cpu": on_cpu.run} | {half.name: half.answer for half in halves}
    if engine is not None:
        subjects[engine.name] = _runner_from_engine(engine).run
    done = {"cpu", "tensorrt"} if engine else {"cpu"}
    others = () if proof.for_cpu_alone else [one for one in devices if one not in done]
    opened, not_opened = _open_all(model, others)
    subjects |= {runner.device: runner.run for runner in opened}
    expected = {name: reference.answer(inputs) for name, inputs in proof.probes.items()}
    comparisons = [_compare(name, answer, proof, expected) for name, answer in subjects.items()]
    return ParityReport(
        model=model.name,
        precision=proof.precision,
        reference=reference.name,
        frames=proof.frames,
        bounds=proof.bounds,
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


def _compare(
    subject: str, answer: Answer, proof: Proof, expected: Mapping[str, Tensors]
) -> Comparison:
    differences = {
        name: proof.compare(inputs, expected[name], answer(inputs))
        for name, inputs in proof.probes.items()
    }
    return Comparison(subject=subject, differences=differences)
