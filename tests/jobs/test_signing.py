"""Content Credentials: what is signed is valid, and no invalid ones are left behind.

The library's own reader judges, with a chain of certificates that is made here.
"""

import datetime
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
import OpenEXR
import pytest
import tifffile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from reggan_plugin.change.pipeline import Picture
from reggan_plugin.cli import main
from reggan_plugin.errors import MissingExtraError, SigningError
from reggan_plugin.files.content_credentials import SIDECAR_SUFFIX, PictureSigner, Signing
from reggan_plugin.files.frame import read_frame, write_frame
from reggan_plugin.files.image_format import LEFT_OUT
from reggan_plugin.jobs.frame_record import read_record
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import Fades, RenderSettings
from reggan_plugin.vocabulary.expression import ExpressionMix

from .conftest import MODEL, Brightening

PEM = serialization.Encoding.PEM
PIXELS = np.random.default_rng(3).integers(40, 90, (20, 24, 3), dtype=np.uint8)
KINDS = {
    **{".png": "image/png", ".jpg": "image/jpeg", ".tif": "image/tiff"},
    **{".exr": "image/x-exr", ".webp": "image/webp"},
}
XMP_LINK = b'dcterms:provenance="https://example.com/manifest.c2pa"'
XMP = b'<x:xmpmeta xmlns:dcterms="http://purl.org/dc/terms/" ' + XMP_LINK + b"></x:xmpmeta>"


def name_of(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests of reggan-plugin"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@dataclass(frozen=True)
class Chain:
    """A root, and what it gave to a signer."""

    signing: Signing
    root: bytes


def make_chain(folder: Path, key: Any = None, *, age_days: int = 1) -> Chain:
    """PEM files as C2PA asks for them, valid for 30 days from `age_days` ago."""
    folder.mkdir(exist_ok=True)
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=age_days)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), key or default_key()

    def certificate(name: str, public: Any, is_root: bool) -> x509.CertificateBuilder:
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment"),
                *("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
                *("encipher_only", "decipher_only"),
            ),
            False,
        )
        usage |= {"key_cert_sign": True} if is_root else {"digital_signature": True}
        builder = x509.CertificateBuilder(
            subject_name=name_of(name),
            issuer_name=name_of("Root"),
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=begin,
            not_valid_after=begin + datetime.timedelta(days=30),
        )
        constraints = x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        return (
            builder.add_extension(constraints, critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(identifier, critical=False)
        )

    root = certificate("Root", root_key.public_key(), True).sign(root_key, hashes.SHA256())
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    leaf = certificate("Signer", key.public_key(), False).add_extension(mail, critical=False)
    signed = leaf.sign(root_key, hashes.SHA256())
    signing = Signing(certificate=folder / "signer.pem", key=folder / "key.pem")
    signing.certificate.write_bytes(signed.public_bytes(PEM) + root.public_bytes(PEM))
    no_password = serialization.NoEncryption()
    signing.key.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, no_password))
    return Chain(signing, root.public_bytes(PEM))


def default_key() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return make_chain(tmp_path / "chain")


def read(content: bytes, kind: str, root: bytes, manifest: bytes | None = None) -> dict[str, Any]:
    """What the library's reader says of a file, its state under `state`."""
    trust = {"trust": {"trust_anchors": root.decode()}, "verify": {"verify_trust": True}}
    context = c2pa.Context(settings=c2pa.Settings.from_dict(trust))
    with c2pa.Reader(kind, io.BytesIO(content), manifest_data=manifest, context=context) as reader:
        return {**json.loads(reader.json()), "state": reader.get_validation_state()}


def has_credentials(content: bytes, kind: str, root: bytes) -> bool:
    try:
        read(content, kind, root)
    except c2pa.C2paError:
        return False
    return True


def write_picture(path: Path) -> Path:
    if path.suffix == ".exr":
        OpenEXR.File({}, {"RGB": PIXELS.astype(np.float16) / 255}).write(str(path))
    else:
        Image.fromarray(PIXELS).save(path)
    return path


def render(shot: Path, out: Path, **settings: Any) -> None:
    """Every frame brighter by a model that is none; see `conftest.py`."""
    asked = RenderSettings(**{"mix": ExpressionMix({"happy": 0.5}), **settings})
    is_signed = asked.signing is not None
    plan = plan_job(str(shot), None, out, "happy", Existing.OVERWRITE, is_signed=is_signed)
    run_job(
        plan, asked, RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None)
    ).raise_for_failure()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_signed_frame_is_trusted_by_the_reader(tmp_path: Path, chain: Chain, suffix: str) -> None:
    source = write_picture(tmp_path / f"a{suffix}")
    render(source, tmp_path / "out", signing=chain.signing)
    made = tmp_path / "out" / source.name
    found = read(made.read_bytes(), KINDS[suffix], chain.root)
    assert found["state"] == "Trusted"
    manifest = found["manifests"][found["active_manifest"]]
    opened, edited = manifest["assertions"][0]["data"]["actions"]
    assert (opened["action"], edited["action"]) == ("c2pa.opened", "c2pa.edited")
    assert edited["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert edited["softwareAgent"]["name"] == "reggan-plugin"
    assert edited["parameters"]["expression"] == {"happy": 0.5}
    (parent,) = manifest["ingredients"]
    assert parent["relationship"] == "parentOf"
    assert "thumbnail" not in json.dumps(found)  # no second picture of the face
    record = read_record(made)
    assert record is not None
    assert edited["parameters"]["input_sha256"] == record.input_sha256
    plain = tmp_path / "plain"
    render(source, plain)
    assert np.array_equal(read_frame(made).pixels, read_frame(plain / source.name).pixels)
    content = bytearray(made.read_bytes())
    place = content.rindex(read_picture_bytes(made))
    content[place] ^= 1
    assert read(bytes(content), KINDS[suffix], chain.root)["state"] == "Invalid"


def read_picture_bytes(path: Path) -> bytes:
    """Some bytes of the coded picture itself."""
    content = path.read_bytes()
    if path.suffix == ".png":
        place = content.index(b"IDAT") + 8
    elif path.suffix == ".jpg":
        place = content.rindex(b"\xff\xda") + 30
    else:
        import tifffile

        with tifffile.TiffFile(path) as file:
            place = file.pages.first.dataoffsets[0]
    return content[place : place + 40]


def test_the_manifest_of_an_exr_is_beside_it(tmp_path: Path, chain: Chain) -> None:
    source = write_picture(tmp_path / "a.1001.exr")
    out = tmp_path / "out" / "a.1001.exr"
    render(source, out.parent, signing=chain.signing)
    manifest = out.with_suffix(SIDECAR_SUFFIX)
    assert manifest.name == "a.1001.c2pa"
    found = read(out.read_bytes(), KINDS[".exr"], chain.root, manifest.read_bytes())
    assert found["state"] == "Trusted"
    other = out.read_bytes()[:-1] + b"x"
    assert read(other, KINDS[".exr"], chain.root, manifest.read_bytes())["state"] == "Invalid"
    render(source, out.parent)  # over it, unsigned
    assert not manifest.exists()


def test_credentials_of_another_file_stay(tmp_path: Path, chain: Chain) -> None:
    render(write_picture(tmp_path / "a.tga"), tmp_path / "out", signing=chain.signing)
    manifest = (tmp_path / "out" / "a.c2pa").read_bytes()
    for _ in range(2):
        render(write_picture(tmp_path / "a.exr"), tmp_path / "out")
    assert (tmp_path / "out" / "a.c2pa").read_bytes() == manifest


def test_credentials_beside_a_frame_are_an_output_like_the_frame(
    tmp_path: Path,
    chain: Chain,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither two for one name, nor over what is there, nor over what is read."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.tga", "a.bmp"):
        write_picture(tmp_path / name)
    signing = ["--sign", str(chain.signing.certificate), "--key", str(chain.signing.key)]
    command = ["render", "-e", "happy", "--whole-image", "--dry-run"]
    assert main([*command, "a.tga", "a.bmp", "--out", "out/", *signing]) == 2
    assert "would both have their credentials in out/a.c2pa" in capsys.readouterr().err
    Path("a_happy.c2pa").write_bytes(b"somebody's")
    assert main([*command, "a.tga", *signing]) == 1
    assert "a_happy.c2pa exists" in capsys.readouterr().err
    for option, name in (("--key", "key"), ("--sign", "certificate")):
        Path("a_happy.c2pa").write_bytes(getattr(chain.signing, name).read_bytes())
        own = [*signing, option, "a_happy.c2pa", "--overwrite"]
        assert main([*command, "a.tga", *own]) == 2
        assert "a_happy.c2pa is an input" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "other bytes", "gone"])
def test_damaged_credentials_are_told_and_made_again(
    tmp_path: Path, chain: Chain, damage: str
) -> None:
    source, out = write_picture(tmp_path / "a.tga"), tmp_path / "out"
    render(source, out, signing=chain.signing)
    manifest = out / "a.c2pa"
    sound = manifest.read_bytes()
    match damage:
        case "cut":
            manifest.write_bytes(sound[:10])
        case "other bytes":
            manifest.write_bytes(bytes(len(sound)))
        case "gone":
            manifest.unlink()
    assert main(["report", str(source), "--out", str(out)]) == 1
    plan = plan_job(str(source), None, out, "happy", Existing.RESUME, is_signed=True)
    asked = RenderSettings(mix=ExpressionMix({"happy": 0.5}), signing=chain.signing)
    run_job(
        plan, asked, RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None)
    ).raise_for_failure()
    found = read((out / "a.tga").read_bytes(), "image/x-tga", chain.root, manifest.read_bytes())
    assert found["state"] == "Trusted"
    assert main(["report", str(source), "--out", str(out)]) == 0


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP384R1()), "Es384"),
        (lambda: ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (lambda: rsa.generate_private_key(65537, 2048), "Ps256"),
    ],
)
def test_the_key_says_which_algorithm(
    tmp_path: Path, key: Callable[[], Any], algorithm: str
) -> None:
    chain = make_chain(tmp_path / "chain", key())
    content = write_picture(tmp_path / "a.png").read_bytes()
    signer = PictureSigner(chain.signing, version="1")
    signed, _ = signer.sign(content, parent=content, title="a.png", facts={})
    found = read(signed, "image/png", chain.root)
    assert found["state"] == "Trusted"
    assert found["manifests"][found["active_manifest"]]["signature_info"]["alg"] == algorithm


@pytest.mark.parametrize("key", [default_key, lambda: rsa.generate_private_key(65537, 2048)])
def test_a_key_may_be_as_openssl_wrote_it_before_pkcs8(
    tmp_path: Path, key: Callable[[], Any]
) -> None:
    private = key()
    chain = make_chain(tmp_path / "chain", private)
    old, no_password = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    chain.signing.key.write_bytes(private.private_bytes(PEM, old, no_password))
    signed_picture(tmp_path, chain, ".png")


def signed_picture(tmp_path: Path, chain: Chain, suffix: str) -> Path:
    """A picture with credentials of its own, as a camera or another program gives them."""
    path = write_picture(tmp_path / f"signed{suffix}")
    content = path.read_bytes()
    signer = PictureSigner(chain.signing, version="1")
    path.write_bytes(signer.sign(content, parent=content, title="a", facts={})[0])
    assert has_credentials(path.read_bytes(), KINDS[suffix], chain.root)
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_credentials_that_no_longer_fit_are_left_out(
    tmp_path: Path, chain: Chain, suffix: str
) -> None:
    path = signed_picture(tmp_path, chain, suffix)
    frame = read_frame(path)
    assert LEFT_OUT in frame.notices
    render(path, tmp_path / "out")
    made = tmp_path / "out" / path.name
    assert not has_credentials(made.read_bytes(), KINDS[suffix], chain.root)
    assert b"c2pa.signature" not in made.read_bytes()
    record = read_record(made)
    assert record is not None
    assert LEFT_OUT in record.warnings
    assert LEFT_OUT not in read_frame(made).notices
    write_frame(frame, frame.pixels * np.float32(0.5), tmp_path / f"b{suffix}")
    assert not has_credentials((tmp_path / f"b{suffix}").read_bytes(), KINDS[suffix], chain.root)


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("count", [2, 3])
def test_credentials_of_a_tiff_of_several_pages_are_left_out(
    tmp_path: Path, chain: Chain, count: int, is_big: bool
) -> None:
    """They stand in a list of tags of their own, behind all pages."""
    plain, path = tmp_path / "plain.tif", tmp_path / "signed.tif"
    with tifffile.TiffWriter(plain, bigtiff=is_big) as writer:
        for page in range(count):
            writer.write(PIXELS + np.uint8(page), photometric="rgb", contiguous=False)
    content = plain.read_bytes()
    signer = PictureSigner(chain.signing, version="1")
    path.write_bytes(signer.sign(content, parent=content, title="a", facts={})[0])
    assert has_credentials(path.read_bytes(), "image/tiff", chain.root)
    assert LEFT_OUT in read_frame(path).notices
    assert LEFT_OUT not in read_frame(plain).notices
    render(path, tmp_path / "out")
    made = tmp_path / "out" / path.name
    assert not has_credentials(made.read_bytes(), "image/tiff", chain.root)
    assert b"c2pa.signature" not in made.read_bytes()
    assert LEFT_OUT not in read_frame(made).notices
    with tifffile.TiffFile(made) as new:
        assert len(new.pages) == count
        for page in range(1, count):
            assert np.array_equal(new.pages[page].asarray(), PIXELS + np.uint8(page))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_credentials_are_kept_as_the_parent_s_where_the_frame_is_signed(
    tmp_path: Path, chain: Chain, suffix: str
) -> None:
    path = signed_picture(tmp_path, chain, suffix)
    render(path, tmp_path / "out", signing=chain.signing)
    found = read((tmp_path / "out" / path.name).read_bytes(), KINDS[suffix], chain.root)
    assert found["state"] == "Trusted"
    assert len(found["manifests"]) == 2
    (parent,) = found["manifests"][found["active_manifest"]]["ingredients"]
    assert parent["active_manifest"] in found["manifests"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_an_unchanged_frame_keeps_its_credentials_and_every_byte(
    tmp_path: Path, chain: Chain, suffix: str
) -> None:
    path = signed_picture(tmp_path, chain, suffix)
    render(path, tmp_path / "out", mix=ExpressionMix({}), signing=chain.signing)
    assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_link_to_a_manifest_elsewhere_goes_too(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    picture = Image.fromarray(PIXELS)
    match suffix:
        case ".png":
            from PIL.PngImagePlugin import PngInfo

            text = PngInfo()
            text.add_itxt("XML:com.adobe.xmp", XMP.decode())
            picture.save(path, pnginfo=text)
        case ".jpg":
            picture.save(path, xmp=XMP)
        case _:
            picture.save(path, tiffinfo={700: XMP})
    assert XMP_LINK in path.read_bytes()
    frame = read_frame(path)
    assert LEFT_OUT in frame.notices
    write_frame(frame, frame.pixels * np.float32(0.5), tmp_path / f"b{suffix}")
    made = (tmp_path / f"b{suffix}").read_bytes()
    assert b"provenance" not in made
    assert b"<x:xmpmeta" in made
    read_frame(tmp_path / f"b{suffix}")


def test_a_frame_in_which_nothing_changed_says_nothing(tmp_path: Path, chain: Chain) -> None:
    class Still(Brightening):
        def changed(self, picture: Picture, mix: ExpressionMix) -> np.ndarray:
            return picture.pixels.copy()

    source = write_picture(tmp_path / "a.png")
    plan = plan_job(str(source), None, tmp_path / "out", "happy", Existing.REFUSE)
    settings = RenderSettings(mix=ExpressionMix({"happy": 1.0}), signing=chain.signing)
    run_job(
        plan, settings, RenderRun(transfer=Still(), model=MODEL, report=lambda _: None)
    ).raise_for_failure()
    assert b"reggan-plugin" not in (tmp_path / "out" / "a.png").read_bytes()


def test_resuming_signs_what_was_not_signed(tmp_path: Path, chain: Chain) -> None:
    source = write_picture(tmp_path / "a.png")
    mix, made = ExpressionMix({"happy": 1.0}), tmp_path / "out" / "a.png"

    def resume(signing: Signing | None) -> None:
        plan = plan_job(str(source), None, made.parent, "happy", Existing.RESUME)
        settings = RenderSettings(mix=mix, signing=signing, fades=Fades())
        run_job(
            plan, settings, RenderRun(transfer=Brightening(), model=MODEL, report=lambda _: None)
        )

    resume(None)
    resume(chain.signing)
    content = made.read_bytes()
    assert read(content, "image/png", chain.root)["state"] == "Trusted"
    resume(chain.signing)
    assert made.read_bytes() == content  # done, although a signature is never the same twice


def test_what_cannot_sign_is_said_before_anything_is_rendered(tmp_path: Path, chain: Chain) -> None:
    other = make_chain(tmp_path / "other")
    mixed = Signing(certificate=chain.signing.certificate, key=other.signing.key)
    with pytest.raises(SigningError, match="is not the key of the first certificate"):
        PictureSigner(mixed, version="1")
    old = make_chain(tmp_path / "old", age_days=60)
    with pytest.raises(SigningError, match="which is not now"):
        PictureSigner(old.signing, version="1")
    weak = make_chain(tmp_path / "weak", ec.generate_private_key(ec.SECP256K1()))
    with pytest.raises(SigningError, match="C2PA signs with keys on P-256"):
        PictureSigner(weak.signing, version="1")
    old.signing.key.write_bytes(b"no key")
    with pytest.raises(SigningError, match="Both are PEM files"):
        PictureSigner(old.signing, version="1")
    source = write_picture(tmp_path / "a.png")
    with pytest.raises(SigningError):
        render(source, tmp_path / "out", signing=mixed)
    assert not (tmp_path / "out" / "a.png").exists()


def test_without_the_extra_it_says_how_to_get_it(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(MissingExtraError, match=r"reggan-plugin\[c2pa\]"):
        PictureSigner(chain.signing, version="1")


def test_certificate_and_key_are_given_together(
    tmp_path: Path, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_picture(tmp_path / "a.png")
    words = ["render", "--frames", str(source), "--expression", "happy", "--dry-run"]
    assert main([*words, "--sign", str(chain.signing.certificate)]) == 2
    assert "belong together" in capsys.readouterr().err
    both = ["--sign", str(chain.signing.certificate), "--key", str(chain.signing.key)]
    assert main([*words, *both]) == 0


def test_credentials_beside_standard_output_are_refused(
    tmp_path: Path, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["--sign", str(chain.signing.certificate), "--key", str(chain.signing.key)]
    for name, status in (("a.exr", 2), ("a.png", 0)):
        source = write_picture(tmp_path / name)
        words = ["render", str(source), "-e", "happy", "-o", "-", "--dry-run"]
        assert main([*words, *both]) == status
    assert "a file beside standard output has no place" in capsys.readouterr().err
