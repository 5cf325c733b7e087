"""Opens a model and says where it runs and why there."""

from pathlib import Path
from typing import TYPE_CHECKING

from reggan_plugin.jobs.render_settings import RigFiles
from reggan_plugin.jobs.results import ModelInUse
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer

if TYPE_CHECKING:
    from reggan_plugin.rig.own_rig import RigMesh


def open_model(
    model: str | None, device: str, batch: int = 1, rig: RigFiles | None = None
) -> tuple[ExpressionTransfer, ModelInUse]:
    """Load a model by name or path on a device, to take `batch` faces at once; say what was taken.

    Files of a rig are read first; remarks on it are in the model's `remarks`.

    Raises:
        UnknownModelError, ModelError: there is no such model, or it cannot be honoured.
        DeviceUnavailableError: the device that was named cannot be had.
        MeshError, FaceNotFoundError, UsageError: the rig cannot be taken; see `wear_rig`.
    """
    rig = rig or RigFiles()
    head, teeth = (None if path is None else _read(path) for path in (rig.rig, rig.teeth))
    transfer = ExpressionTransfer(
        model, device=device, batch=batch, rig=head, teeth=teeth, mouth=rig.mouth
    )
    in_use = ModelInUse(
        name=transfer.card.name,
        version=transfer.card.version,
        sha256=transfer.card.weights_sha256,
        device=transfer.device,
        device_reason=transfer.device_reason,
    )
    return transfer, in_use


def opened(model: str | None, device: str, batch: int, rig: RigFiles) -> ExpressionTransfer:
    """Open a model in a process that renders beside others; see `open_model`."""
    return open_model(model, device, batch, rig)[0]


def _read(path: Path) -> "RigMesh":
    from reggan_plugin.textures.rig_mesh import read_rig  # most take the template that ships

    return read_rig(path)
