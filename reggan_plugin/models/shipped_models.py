"""The models that ship, by name, and which of them is the default."""

from pathlib import Path

from reggan_plugin.errors import UnknownModelError

DEFAULT_MODEL = "reggan"


def weights_folder() -> Path:
    """Folder of the weights in the installed package."""
    return Path(__file__).parents[1] / "weights"


def installed_models() -> dict[str, Path]:
    """Expression models that come with the package, by name, the default first."""
    found = {path.stem: path for path in sorted(weights_folder().glob("*.onnx"))}
    return dict(sorted(found.items(), key=lambda item: item[0] != DEFAULT_MODEL))


def find_model(name_or_path: str | Path | None = None) -> Path:
    """Return the file of a model given by name or by path; the default one for None.

    Raises:
        UnknownModelError: neither an installed model nor a file.
    """
    if name_or_path is None:
        name_or_path = DEFAULT_MODEL
    installed = installed_models()
    if str(name_or_path) in installed:
        return installed[str(name_or_path)]
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise UnknownModelError(
        f"{str(name_or_path)!r} is neither an installed model ({', '.join(installed) or 'none'}) "
        "nor a file."
    )
