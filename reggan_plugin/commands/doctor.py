"""`reggan-plugin doctor`: what is installed, what works, what to install for more."""

import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from reggan_plugin.commands.command_group_and_terminal import verbose_option
from reggan_plugin.errors import DeviceUnavailableError, ModelError, RegganError, UnknownModelError
from reggan_plugin.frozen import frozen
from reggan_plugin.json_and_toml import json_text
from reggan_plugin.models.model_card import find_model

DISTRIBUTION = "reggan-plugin"
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+).*?(?:extra\s*==\s*['\"](?P<extra>[\w-]+)['\"])?$")


@frozen
class Package:
    """A package that reggan-plugin can use."""

    name: str
    version: str | None
    """None if it is not installed."""
    extras: tuple[str, ...] = ()
    """Each of them pulls it in; empty for those that every installation has."""


@frozen
class Device:
    """A kind of device and whether the default model loads on it."""

    name: str
    loads: bool
    message: str | None = None
    """Why it does not load."""
    remedy: str | None = None


@frozen
class Diagnosis:
    """The state of this installation."""

    python: str
    executable: str
    system: str
    packages: tuple[Package, ...]
    providers: tuple[str, ...]
    """Execution providers compiled into ONNX Runtime."""
    devices: tuple[Device, ...]
    auto: str | None
    """Device that `--device auto` takes."""
    problems: tuple[str, ...]
    """Faults that keep reggan-plugin from working; empty if all is well."""

    def document(self) -> dict[str, Any]:
        """Return the diagnosis as `--json` prints it."""
        return asdict(self)


@click.command(epilog="\b\nExample:\n  reggan-plugin doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@verbose_option
def doctor(*, as_json: bool) -> None:
    """Say what is installed, and which devices really load the default model.

    The exit code is 1 if something keeps reggan-plugin from working.
    """
    diagnosis = diagnose()
    if as_json:
        click.echo(json_text(diagnosis.document(), indent=2))
    else:
        click.echo("\n".join(_lines(diagnosis)))
    if diagnosis.problems:
        raise RegganError(" ".join(diagnosis.problems))


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"Python {diagnosis.python} ({diagnosis.executable})"
    yield diagnosis.system
    yield "\nPackages"
    yield from (_package_line(package) for package in diagnosis.packages)
    yield f"\nONNX Runtime providers: {', '.join(diagnosis.providers) or 'none'}"
    yield "\nDevices, tried with the default model"
    yield from (_device_line(device) for device in diagnosis.devices)
    yield f"  auto takes {diagnosis.auto or 'none'}"
    if diagnosis.problems:
        yield "\nProblems"
        yield from (f"  {problem}" for problem in diagnosis.problems)


def _package_line(package: Package) -> str:
    if package.version is not None:
        return f"  {package.name} {package.version}"
    wanted = f"[{package.extras[-1]}]" if package.extras else ""
    return f'  {package.name} is not installed: pip install "{DISTRIBUTION}{wanted}"'


def _device_line(device: Device) -> str:
    if device.loads:
        return f"  {device.name}: works"
    remedy = f" {device.remedy}" if device.remedy else ""
    return f"  {device.name}: {device.message}{remedy}"


def diagnose() -> Diagnosis:
    """Look at packages and try the default model on each kind of device."""
    problems = _conflicts()
    providers: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    try:
        import onnxruntime  # a broken installation is one of the things to be diagnosed

        providers = tuple(onnxruntime.get_available_providers())
        devices = _devices(find_model())
    except ImportError as error:
        problems.append(
            f"ONNX Runtime cannot be imported ({error}): pip install --force-reinstall onnxruntime"
        )
    except UnknownModelError as error:
        problems.append(f"{error} Install {DISTRIBUTION} again.")
    problems += [f"cpu: {d.message}" for d in devices if d.name == "cpu" and not d.loads]
    return Diagnosis(
        python=platform.python_version(),
        executable=sys.executable,
        system=platform.platform(),
        packages=_packages(),
        providers=providers,
        devices=devices,
        auto=_first_of(devices),
        problems=tuple(problems),
    )


def _packages() -> tuple[Package, ...]:
    """Everything that the distribution requires, always or for an extra."""
    extras: dict[str, list[str]] = {}
    for requirement in metadata.requires(DISTRIBUTION) or ():
        match = _REQUIREMENT.match(requirement)
        if match and match["name"] != DISTRIBUTION and match["extra"] != "dev":
            extras.setdefault(match["name"], []).extend([match["extra"]] if match["extra"] else [])
    own = Package(name=DISTRIBUTION, version=_version(DISTRIBUTION))
    return own, *(
        Package(name=name, version=_version(name), extras=tuple(wanted_by))
        for name, wanted_by in extras.items()
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _conflicts() -> list[str]:
    """Distributions that overwrite each other's `onnxruntime` folder."""
    owners = sorted(set(metadata.packages_distributions().get("onnxruntime", ())))
    if len(owners) < 2:
        return []
    return [
        f"{' and '.join(owners)} are installed at once and overwrite each other: "
        f"pip uninstall {' '.join(owners)}; then install the one that you want"
    ]


def _devices(model: Path) -> tuple[Device, ...]:
    from reggan_plugin.backends.devices import DEVICE_KINDS, PROVIDERS

    foreign = {kind for kind, provider in PROVIDERS.items() if not provider.is_for_this_system}
    return tuple(_try_device(model, kind) for kind in DEVICE_KINDS if kind not in foreign)


def _first_of(devices: tuple[Device, ...]) -> str | None:
    from reggan_plugin.backends.devices import AUTO_ORDER

    working = {device.name for device in devices if device.loads}
    return next((kind for kind in AUTO_ORDER if kind in working), None)


def _try_device(model: Path, kind: str) -> Device:
    from reggan_plugin.backends.onnx_runtime_runner import open_runner

    if kind == "tensorrt":
        return _try_tensorrt()
    try:
        open_runner(model, kind)
    except DeviceUnavailableError as error:
        return Device(name=kind, loads=False, message=error.found, remedy=error.remedy or None)
    except ModelError as error:
        return Device(name=kind, loads=False, message=str(error))
    return Device(name=kind, loads=True)


def _try_tensorrt() -> Device:
    """Without a model: to load one would build its engine, which takes minutes."""
    from reggan_plugin.backends.tensorrt_runner import load_tensorrt

    try:
        load_tensorrt()
    except DeviceUnavailableError as error:
        return Device(name="tensorrt", loads=False, message=error.found, remedy=error.remedy)
    return Device(name="tensorrt", loads=True)
