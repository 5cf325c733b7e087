"""`export verify`: whether a model file says the same however it is run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from reggan_export.verify.questions import Questions, questions_from_metadata
from reggan_export.verify.references import Answer, references_from
from reggan_export.verify.verify_report import Comparison, VerifyReport
from reggan_plugin.backends.choose_device import open_runner
from reggan_plugin.backends.device_name import DEVICE_KINDS
from reggan_plugin.backends.runner import Runner, Tensors
from reggan_plugin.errors import DeviceUnavailableError
from reggan_plugin.models.model_hash import check_seal


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
    reference, *halves = references_from(model, checkpoint, questions)
    subjects = {"cpu": on_cpu.run} | {half.name: half.answer for half in halves}
    if engine is not None:
        subjects[engine.name] = _runner_from_engine(engine).run
    done = {"cpu", "tensorrt"} if engine else {"cpu"}
    others = () if questions.for_cpu_alone else [one for one in devices if one not in done]
    opened, not_opened = _open_all(model, others)
    subjects |= {runner.device: runner.run for runner in opened}
    expected = {name: reference.answer(inputs) for name, inputs in questions.probes.items()}
    comparisons = [_compare(name, answer, questions, expected) for name, answer in subjects.items()]
    return VerifyReport(
        model=model.name,
        precision=questions.precision,
        reference=reference.name,
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


def _compare(
    subject: str, answer: Answer, questions: Questions, expected: Mapping[str, Tensors]
) -> Comparison:
    differences = {
        name: questions.compare(inputs, expected[name], answer(inputs))
        for name, inputs in questions.probes.items()
    }
    return Comparison(subject=subject, differences=differences)
