"""`models --verify`: only what the named repository's workflow signed passes."""

import base64
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sigstore.errors import VerificationError
from sigstore.verify import Verifier, policy

from reggan_plugin.cli import main
from reggan_plugin.errors import MissingExtraError, SignatureError
from reggan_plugin.models.model_card import find_model
from reggan_plugin.models.signatures import verify_signature

Streams = pytest.CaptureFixture[str]
REPOSITORY = "https://github.com/example/reggan-plugin"
ISSUER = "https://token.actions.githubusercontent.com"
_SOURCE_REPOSITORY, _ISSUER_V2 = "1.3.6.1.4.1.57264.1.12", "1.3.6.1.4.1.57264.1.8"


def certificate(repository: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """As Sigstore's authority would give one to a workflow, but signed by itself."""
    name = x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=7,
        not_valid_before=now,
        not_valid_after=now + datetime.timedelta(minutes=10),
    )
    for oid, text in ((_SOURCE_REPOSITORY, repository), (_ISSUER_V2, ISSUER)):
        encoded = bytes([0x0C, len(text)]) + text.encode()  # UTF8String
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), encoded), critical=False
        )
    return builder.sign(key, hashes.SHA256())


def bundle_of(content: bytes, repository: str = REPOSITORY) -> str:
    """A bundle of the right form; its certificate and log entry are made here."""
    key = ec.generate_private_key(ec.SECP256R1())
    raw = certificate(repository, key).public_bytes(serialization.Encoding.DER)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    signature = key.sign(content, ec.ECDSA(hashes.SHA256()))

    def text(value: bytes) -> str:
        return base64.b64encode(value).decode()

    entry = {
        "logIndex": "1",
        "logId": {"keyId": text(b"k" * 32)},
        "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
        "integratedTime": str(int(datetime.datetime.now().timestamp())),
        "inclusionPromise": {"signedEntryTimestamp": text(b"promise")},
        "inclusionProof": {
            "logIndex": "1",
            "rootHash": text(b"r" * 32),
            "treeSize": "2",
            "hashes": [],
            "checkpoint": {"envelope": "rekor.sigstore.dev"},
        },
        "canonicalizedBody": text(b"{}"),
    }
    document = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"certificate": {"rawBytes": text(raw)}, "tlogEntries": [entry]},
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": text(digest.finalize())},
            "signature": text(signature),
        },
    }
    return json.dumps(document)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "face.onnx"
    path.write_bytes(find_model().read_bytes())
    return path


def test_a_model_without_a_bundle_is_not_signed(model: Path, capsys: Streams) -> None:
    assert main(["models", str(model)]) == 0
    assert main(["models", str(model), "--verify", REPOSITORY]) == 1
    said = capsys.readouterr().err
    assert "face.onnx.sigstore.json" in said
    assert "Take it from the release" in said


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00", '{"mediaType": "x"}'])
def test_what_is_no_bundle_is_said(model: Path, text: str) -> None:
    bundle = model.with_name("b.json")
    bundle.write_text(text)
    with pytest.raises(SignatureError, match="cannot be checked"):
        verify_signature(model, bundle, REPOSITORY)


def test_a_certificate_of_ones_own_proves_nothing(model: Path, capsys: Streams) -> None:
    """Right file, right repository, right form: but Sigstore's authority did not issue it."""
    folder = model.parent / "bundles"
    folder.mkdir()
    (folder / "face.onnx.sigstore.json").write_text(bundle_of(model.read_bytes()))
    words = ["models", str(model), "--verify", REPOSITORY, "--bundles", str(folder)]
    assert main(words) == 1
    assert f"is not what a workflow of {REPOSITORY} signed" in capsys.readouterr().err


class TrustingVerifier:
    """Checks the signer's name and the bytes as the real one does, but not who issued them."""

    def verify_artifact(self, content: bytes, bundle: Any, signer: Any) -> None:
        signer.verify(bundle.signing_certificate)
        key = bundle.signing_certificate.public_key()
        try:
            key.verify(bundle.signature, content, ec.ECDSA(hashes.SHA256()))
        except Exception as error:
            raise VerificationError("Signature is invalid for input") from error


def test_the_bytes_and_the_repository_must_be_those(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the authority taken for granted: no release has been signed that could be asked."""
    asked: list[bool] = []

    def production(*, offline: bool) -> TrustingVerifier:
        asked.append(offline)
        return TrustingVerifier()

    monkeypatch.setattr(Verifier, "production", production)
    bundle = model.with_name("b.json")
    bundle.write_text(bundle_of(model.read_bytes()))
    verify_signature(model, bundle, REPOSITORY)
    assert asked == [True]  # nothing is fetched
    with pytest.raises(SignatureError, match=r"is not what a workflow of .*other"):
        verify_signature(model, bundle, "https://github.com/other/reggan-plugin")
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    with pytest.raises(SignatureError, match="Do not use it"):
        verify_signature(model, bundle, REPOSITORY)


def test_the_signer_is_a_workflow_of_github() -> None:
    assert policy.OIDCIssuerV2.oid.dotted_string == _ISSUER_V2
    assert policy.OIDCSourceRepositoryURI.oid.dotted_string == _SOURCE_REPOSITORY


def test_without_the_extra_it_says_how_to_get_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sigstore.errors", None)
    with pytest.raises(MissingExtraError, match=r"reggan-plugin\[verify\]"):
        verify_signature(model, model, REPOSITORY)


def test_bundles_need_a_signer(tmp_path: Path, capsys: Streams) -> None:
    assert main(["models", "--bundles", str(tmp_path)]) == 2
    assert "--verify URL" in capsys.readouterr().err
