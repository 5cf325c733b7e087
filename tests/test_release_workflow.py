"""What the release's workflow protects; it cannot be run here."""

import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).resolve().parents[1] / ".github/workflows"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return dict(yaml.safe_load((WORKFLOWS / "release.yml").read_text(encoding="utf-8"))["jobs"])


def commands_of(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def test_github_could_read_them_and_nothing_in_them_is_unsafe() -> None:
    installed = metadata.files("zizmor") or []
    program = next(file.locate() for file in installed if file.stem == "zizmor")
    words = ["--offline", "--no-progress", "--strict-collection", "--min-severity=medium"]
    done = subprocess.run([str(program), *words, str(WORKFLOWS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_published_was_gated_audited_built_signed_and_checked(jobs: dict[str, Any]) -> None:
    assert set(jobs["publish"]["needs"]) == {"gate", "audit", "build"}
    assert jobs["gate"]["uses"] == "./.github/workflows/gate.yml"
    assert "python tools/release.py" in commands_of(jobs["build"]).splitlines()
    for lock in ("gate.txt", "release.txt"):
        audit = f"pip_audit --strict --require-hashes --disable-pip -r requirements/{lock}"
        assert audit in commands_of(jobs["audit"])
    commands = commands_of(jobs["publish"])
    (signed,) = re.findall(r"sigstore sign (.*)", commands)
    kinds = ("whl", "tar.gz", "zip", "onnx", "cdx.json")
    assert set(signed.split()) == {f"dist/*.{kind}" for kind in kinds}
    assert f"for file in {signed}; do" in commands  # each bundle is checked before it is published
    assert commands.index("sigstore verify") < commands.index("gh release create")
    assert jobs["index"]["needs"] == ["publish"]
    assert "mv dist/*.whl dist/*.tar.gz index/" in commands_of(jobs["index"])


def test_only_the_publishing_job_may_sign_and_write(jobs: dict[str, Any]) -> None:
    document = yaml.safe_load((WORKFLOWS / "release.yml").read_text(encoding="utf-8"))
    assert document["permissions"] == {}
    for name, job in jobs.items():
        rights = set(job["permissions"].items())
        may_write = {("contents", "write"), ("id-token", "write")}
        assert (rights == may_write) is (name == "publish"), name
        assert (("id-token", "write") in rights) is (name in ("publish", "index")), name
