"""What the workflows say that they do, read by zizmor as GitHub would; they cannot be run here."""

import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / ".github/workflows/release.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return dict(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"])


def commands_of(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def audit(folder: Path) -> subprocess.CompletedProcess[str]:
    installed = metadata.files("zizmor") or []
    program = next(file.locate() for file in installed if file.stem == "zizmor")
    words = ["--offline", "--no-progress", "--strict-collection", "--min-severity=medium"]
    return subprocess.run([str(program), *words, str(folder)], capture_output=True, text=True)


def test_github_could_read_both_and_nothing_in_them_is_unsafe() -> None:
    done = audit(WORKFLOW.parent)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("    runs-on: ubuntu-24.04\n", "", "is a required property"),
        ("uses: actions/checkout@", "usse: actions/checkout@", "usse"),
        (r"dist/\* --repo", "${{ github.event.head_commit.message }} --repo", "template-injection"),
        (r"@[0-9a-f]{40} # v4\.2\.2", "@v4", "unpinned-uses"),
    ],
)
def test_a_mistake_in_them_would_be_found(good: str, bad: str, said: str, tmp_path: Path) -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    spoilt = re.sub(good, bad, text)
    assert spoilt != text
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/release.yml").write_text(spoilt, encoding="utf-8")
    done = audit(tmp_path / ".github/workflows")
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def test_the_shell_lines_are_words_that_a_shell_can_read() -> None:
    for path in WORKFLOW.parent.glob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, job in document["jobs"].items():
            for step in job.get("steps", ()):
                line = step.get("run", "")
                done = subprocess.run(["bash", "-n"], input=line, capture_output=True, text=True)
                assert done.returncode == 0, f"{path.name}, {name}: {done.stderr}"


def test_wheels_zips_and_weights_are_signed_and_checked(jobs: dict[str, Any]) -> None:
    commands = commands_of(jobs["publish"])
    (signed,) = re.findall(r"sigstore sign (.*)", commands)
    kinds = ("whl", "tar.gz", "zip", "onnx", "cdx.json")
    assert set(signed.split()) == {f"dist/*.{kind}" for kind in kinds}
    assert f"for file in {signed}; do" in commands  # each bundle is checked before it is published
    assert commands.index("sigstore verify") < commands.index("gh release create")


def test_one_command_builds_what_is_signed(jobs: dict[str, Any]) -> None:
    assert "python tools/release.py" in commands_of(jobs["build"]).splitlines()
    assert "build" in jobs["publish"]["needs"]


def test_the_index_gets_the_wheel_that_was_signed(jobs: dict[str, Any]) -> None:
    assert jobs["index"]["needs"] == ["publish"]
    assert jobs["index"]["permissions"] == {"id-token": "write"}  # and no password
    assert "mv dist/*.whl dist/*.tar.gz index/" in commands_of(jobs["index"])


def test_the_gate_runs_on_every_system_that_is_named(jobs: dict[str, Any]) -> None:
    assert jobs["gate"]["uses"] == "./.github/workflows/gate.yml"
    gate = yaml.safe_load((WORKFLOW.parent / "gate.yml").read_text(encoding="utf-8"))
    job = gate["jobs"]["gate"]
    systems = {name.partition("-")[0] for name in job["strategy"]["matrix"]["system"]}
    assert systems == {"ubuntu", "windows", "macos"}
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert commands_of(job).endswith("python tests/gate.py")


def test_only_the_publishing_job_may_sign_and_write(jobs: dict[str, Any]) -> None:
    document = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert document["permissions"] == {}
    assert document[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` as true
    for name, job in jobs.items():
        rights = set(job["permissions"].items())
        may_write = {("contents", "write"), ("id-token", "write")}
        assert (rights == may_write) is (name == "publish"), name
        assert (("id-token", "write") in rights) is (name in ("publish", "index")), name


def test_nothing_is_published_that_was_not_audited(jobs: dict[str, Any]) -> None:
    assert set(jobs["publish"]["needs"]) == {"gate", "audit", "build"}
    for lock in ("gate.txt", "release.txt"):
        audit = f"pip_audit --strict --require-hashes --disable-pip -r requirements/{lock}"
        assert audit in commands_of(jobs["audit"])


def test_it_says_that_it_was_not_run() -> None:
    assert "has not been run yet" in WORKFLOW.read_text(encoding="utf-8")
    assert "has not been run yet" in (ROOT / "docs/security.md").read_text(encoding="utf-8")
