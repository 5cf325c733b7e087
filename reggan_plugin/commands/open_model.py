"""Opens a model and says where it runs and why there."""

from reggan_plugin.jobs.results import ModelInUse
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer


def open_model(
    model: str | None, device: str, batch: int = 1
) -> tuple[ExpressionTransfer, ModelInUse]:
    """Load a model by name or path on a device, to take `batch` faces at once; say what was taken.

    Raises:
        UnknownModelError, ModelError: there is no such model, or it cannot be honoured.
        DeviceUnavailableError: the device that was named cannot be had.
    """
    transfer = ExpressionTransfer(model, device=device, batch=batch)
    in_use = ModelInUse(
        name=transfer.card.name,
        version=transfer.card.version,
        sha256=transfer.card.weights_sha256,
        device=transfer.device,
        device_reason=transfer.device_reason,
    )
    return transfer, in_use
