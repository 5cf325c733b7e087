"""Who signed a model (`models --verify`): checks the Sigstore bundle of a release beside it.

The seal in a model's card is a checksum, which anybody can write. A bundle holds a signature by a
short-lived certificate that names the workflow it was given to, and its entry in a public log.
Source: docs.sigstore.dev, Bundle Format 0.3; github.com/sigstore/fulcio, docs/oid-info.md.
"""

from pathlib import Path

from reggan_plugin.errors import SignatureError
from reggan_plugin.file_safety import read_regular
from reggan_plugin.limits import MOST_DOCUMENT_BYTES, MOST_MODEL_BYTES
from reggan_plugin.missing_package import needs_extra

BUNDLE_SUFFIX = ".sigstore.json"
_ISSUER = "https://token.actions.githubusercontent.com"
"""Who vouches for a workflow of GitHub Actions."""


def verify_signature(path: Path, bundle: Path, repository: str) -> None:
    """Check that a workflow of `repository` signed the file as it is. Nothing is fetched.

    Args:
        path: the file.
        bundle: its signature.
        repository: such as https://github.com/OWNER/NAME.

    Raises:
        MissingExtraError: the package sigstore is not installed.
        SignatureError: there is no such signature, or it is of another file or repository.
    """
    with needs_extra("Checking signatures", "verify"):
        from sigstore.errors import Error, VerificationError
        from sigstore.models import Bundle, InvalidBundle
        from sigstore.verify import Verifier, policy
    if not bundle.is_file():
        raise SignatureError(
            f"{path.name} has no signature: there is no {bundle}.", kind="unsigned"
        )
    signer = policy.AllOf(
        [policy.OIDCIssuerV2(_ISSUER), policy.OIDCSourceRepositoryURI(repository)]
    )
    try:
        signed = Bundle.from_json(read_regular(bundle, MOST_DOCUMENT_BYTES))
        content = read_regular(path, MOST_MODEL_BYTES)
        Verifier.production(offline=True).verify_artifact(content, signed, signer)
    except VerificationError as error:
        raise SignatureError(
            f"{path} is not what a workflow of {repository} signed: {error}. Do not use it; "
            "install it again from the release."
        ) from error
    except (InvalidBundle, Error, OSError, ValueError) as error:
        raise SignatureError(
            f"{bundle} cannot be checked: {error}. Take it again from the release."
        ) from error
