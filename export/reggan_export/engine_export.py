"""`export engine`: ONNX files to TensorRT engines, verified before they are kept."""

import tempfile
from pathlib import Path

from reggan_export.verify.verify_model import verify_model
from reggan_export.verify.verify_report import VerifyReport
from reggan_plugin.backends.devices import ENGINE_SUFFIX, EngineOptions, device_from_text
from reggan_plugin.backends.engine_cache import sidecar_of
from reggan_plugin.backends.tensorrt_runner import EngineBuilder
from reggan_plugin.errors import ModelParityError, UsageError


def export_engine(
    model: Path,
    options: EngineOptions,
    *,
    device: str = "tensorrt",
    precision: str | None = None,
    out: Path | None = None,
) -> tuple[Path, VerifyReport]:
    """Build an engine and compare it with ONNX Runtime; returns where it is.

    Args:
        model: a sealed .onnx file of ours.
        options: what it is built for.
        device: `tensorrt`, or with an index.
        precision: that the file must have; None takes every file.
        out: where to write it; None for the cache.

    Raises:
        UsageError: `device` is no TensorRT device, or the file is of another precision.
        DeviceUnavailableError: TensorRT or the GPU cannot be had.
        ModelError: TensorRT cannot build it.
        ModelParityError: it answers otherwise than ONNX Runtime; it is not kept.
        OutputError: it cannot be written.
    """
    name = device_from_text(device)
    if name.kind != "tensorrt":
        raise UsageError(f"Engines run on tensorrt or tensorrt:INDEX, not on {device}.")
    if out is not None and out.suffix != ENGINE_SUFFIX:
        raise UsageError(f"{out} must end in {ENGINE_SUFFIX}, by which render knows an engine.")
    builder = EngineBuilder(model, options, name.index)
    _demand_precision(model, builder.key.precision, precision)
    if out is None:
        stored, _ = builder.cached(exactly=True)
        return stored.path, _verify(model, stored.path)
    # Under its own name, which the report shows, but in a folder that goes if anything fails.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".reggan-engine-") as folder:
        unverified = Path(folder) / out.name
        builder.build_at(unverified)
        report = _verify(model, unverified)
        unverified.replace(out)
        sidecar_of(unverified).replace(sidecar_of(out))
    return out, report


def _demand_precision(model: Path, found: str, wanted: str | None) -> None:
    if found == "int8":
        raise UsageError(
            f"{model.name} is quantised for the CPU, which TensorRT does not read. Take the file "
            "that it was made of."
        )
    if wanted not in (None, found):
        raise UsageError(
            f"{model.name} is {found}, {wanted} was asked for; an engine has the precision of its "
            f"file. Make one, and build from that.",
            kind="engine-of-other-precision",
            model=model,
            wanted=wanted,
            name=model.stem,
        )


def _verify(model: Path, engine: Path) -> VerifyReport:
    try:
        report = verify_model(model, engine=engine, devices=())
    except BaseException:
        _remove(engine)
        raise
    if not report.passed:
        _remove(engine)
        raise ModelParityError(
            f"The engine answers otherwise than {model.name}: {'; '.join(report.faults)}. It was "
            "not kept. Another version of TensorRT or of the driver may do better.",
            kind="engine-is-not-kept",
        )
    return report


def _remove(engine: Path) -> None:
    engine.unlink(missing_ok=True)
    sidecar_of(engine).unlink(missing_ok=True)
