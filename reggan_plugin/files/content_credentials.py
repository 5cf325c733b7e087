"""Signs changed pictures with Content Credentials (C2PA): a model edited them.

The picture as it was becomes the parent ingredient, with its own credentials if it has some. PNG,
JPEG and TIFF carry the manifest; a format without a place for one gets a file beside it.
Source: C2PA Technical Specification 2.2, 18.15 (actions); IPTC NewsCodes, digitalsourcetype.
"""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reggan_plugin.errors import SigningError
from reggan_plugin.file_safety import read_regular
from reggan_plugin.files.image_format import ImageFormat, format_of
from reggan_plugin.frozen import frozen
from reggan_plugin.limits import MOST_SETTINGS_BYTES
from reggan_plugin.missing_package import needs_extra

DIGITAL_SOURCE_TYPE = "compositeWithTrainedAlgorithmicMedia"
"""IPTC's name for pictures that a trained model made parts of."""
SIDECAR_SUFFIX = ".c2pa"
"""Of the manifest beside a picture that cannot hold it."""
_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_DESCRIPTION = "The expression of a face was changed by a trained model."
_CURVES = {"secp256r1": b"es256", "secp384r1": b"es384", "secp521r1": b"es512"}
_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},  # no second picture of the face
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},  # nothing is fetched
}


@frozen
class Signing:
    """The signer: PEM files of the certificate, with those that issued it, and of its key."""

    certificate: Path
    key: Path


class PictureSigner:
    """Signs any number of pictures; nothing is fetched and nothing is sent."""

    def __init__(self, signing: Signing, *, version: str) -> None:
        """Read certificate and key.

        Raises:
            MissingExtraError: c2pa-python is not installed.
            SigningError: they cannot be read, do not belong together, or the time is over.
        """
        with needs_extra("Signing", "c2pa"):
            import c2pa
        self._c2pa, self._version = c2pa, version
        self._certificate = _read(signing.certificate)
        self._algorithm, self._key = _key_of(signing, self._certificate)
        self._context = c2pa.Context(settings=c2pa.Settings.from_dict(_SETTINGS))

    def sign(
        self, content: bytes, *, parent: bytes, title: str, facts: Mapping[str, Any]
    ) -> tuple[bytes, bytes | None]:
        """Return the signed picture, and the manifest for a file beside it where it holds none.

        Args:
            content: the file, as it is to be but for the signature.
            parent: the file that it was made from.
            title: the file's name.
            facts: how it was made, as JSON takes it.

        Raises:
            SigningError: the library refuses; nothing is signed in part.
        """
        written, c2pa = _format_of(content), self._c2pa
        kind = written.media_type
        target = io.BytesIO()
        try:
            signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(self._algorithm, self._certificate, self._key, None)
            )
            with c2pa.Builder(self._manifest(title, kind, facts), context=self._context) as builder:
                builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
                ingredient = {"title": title, "relationship": "parentOf"}
                builder.add_ingredient(
                    ingredient, _format_of(parent).media_type, io.BytesIO(parent)
                )
                if not written.holds_credentials:
                    builder.set_no_embed()
                manifest = builder.sign(signer, kind, io.BytesIO(content), target)
        except c2pa.C2paError as error:
            raise SigningError(
                f"{title} cannot be signed: {error}. Check the certificate, or write it unsigned."
            ) from error
        if not written.holds_credentials:
            return content, bytes(manifest)
        return target.getvalue(), None

    def _manifest(self, title: str, kind: str, facts: Mapping[str, Any]) -> str:
        software = {"name": "reggan-plugin", "version": self._version}
        edited = {
            "action": "c2pa.edited",
            "digitalSourceType": _VOCABULARY + DIGITAL_SOURCE_TYPE,
            "softwareAgent": software,
            "description": _DESCRIPTION,
            "parameters": dict(facts),
        }
        actions = {"label": "c2pa.actions.v2", "data": {"actions": [edited]}}
        document = {
            "title": title,
            "format": kind,
            "claim_generator_info": [software],
            "assertions": [actions],
        }
        return json.dumps(document)


def _format_of(content: bytes) -> ImageFormat:
    found = format_of(content)
    assert found is not None, "only files that were read are signed"
    return found


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, MOST_SETTINGS_BYTES)
    except OSError as error:
        raise SigningError(f"{path} cannot be read: {error.strerror}. Check the path.") from error


def _key_of(signing: Signing, certificate: bytes) -> tuple[bytes, bytes]:
    """Return C2PA's name of the algorithm that fits the key, and the key in PKCS#8, which alone
    c2pa-python reads. Source: C2PA 2.2, 13.2.

    Raises:
        SigningError: key or certificate is none that may sign.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        leaf = x509.load_pem_x509_certificates(certificate)[0]
        private = serialization.load_pem_private_key(_read(signing.key), password=None)
    except (ValueError, TypeError) as error:
        raise SigningError(
            f"{signing.certificate} and {signing.key} cannot be used: {error}. Both are PEM files, "
            "the key's without a password."
        ) from error
    if private.public_key() != leaf.public_key():
        raise SigningError(
            f"{signing.key} is not the key of the first certificate in {signing.certificate}. Put "
            "the signer's own certificate first, then those that issued it."
        )
    if not leaf.not_valid_before_utc <= datetime.now(UTC) <= leaf.not_valid_after_utc:
        raise SigningError(
            f"{signing.certificate} is valid from {leaf.not_valid_before_utc:%Y-%m-%d} to "
            f"{leaf.not_valid_after_utc:%Y-%m-%d}, which is not now. Renew it."
        )
    match private:
        case ec.EllipticCurvePrivateKey() if private.curve.name in _CURVES:
            algorithm = _CURVES[private.curve.name]
        case rsa.RSAPrivateKey() if private.key_size >= 2048:
            algorithm = b"ps256"
        case ed25519.Ed25519PrivateKey():
            algorithm = b"ed25519"
        case _:
            raise SigningError(
                f"{signing.key} is a {type(private).__name__.strip('_')}; C2PA signs with keys on "
                "P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits and more."
            )
    return algorithm, private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
