"""The findings of `reggan-plugin doctor --json`, for the preferences: first what works."""

from collections.abc import Mapping
from typing import Any


def lines_of_report(report: Mapping[str, Any]) -> list[str]:
    """Devices that work, problems, devices that do not work and why, then versions.

    Args:
        report: the JSON document of the doctor.
    """
    devices = report.get("devices", ())
    working = [device["name"] for device in devices if device["loads"]]
    chosen = f"; auto takes {report['auto']}" if report.get("auto") else ""
    lines = [f"Works: {', '.join(working)}{chosen}" if working else "No device works."]
    lines += [f"Problem: {problem}" for problem in report.get("problems", ())]
    lines += [
        " ".join(filter(None, (f"Not here: {one['name']}.", one["message"], one.get("remedy"))))
        for one in devices
        if not one["loads"]
    ]
    installed = [
        f"{package['name']} {package['version']}"
        for package in report.get("packages", ())
        if package["version"] is not None
    ]
    lines.append(f"Python {report.get('python', '')} at {report.get('executable', '')}")
    lines.append(", ".join(installed))
    return lines
