"""What `push --sign` writes is what cosign verifies, and what cosign and model_signing write is accepted."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import weighbridge
from packer.errors import BadKey
from packer.signing_key import SigningKey
from registry.digest import Digest
from registry.manifest import MANIFEST_TYPE
from tests.conftest import Part
from tests.fakes import faults
from tests.fakes.registry import Answer, fake_registry
from tests.fakes.sigstore import new_key, private_pem, public_pem
from tests.parts.distribution import Registry
from tests.puller.models import noise, read_tree, write_tree
from tests.puller.test_mirrors import hosts_dir

MODEL = {"config.json": b"{}", "model.safetensors": noise(100_000)}


def cosign(part: Part, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real cosign, which speaks to no log and asks nothing."""
    environ = {**os.environ, "COSIGN_PASSWORD": "hush", "HOME": "/nonexistent"}
    return subprocess.run(
        [part("cosign"), *arguments], env=environ, capture_output=True, text=True, check=False, timeout=120
    )


def cosign_keys(part: Part, folder: Path) -> tuple[Path, Path]:
    """Make a key pair as cosign's users do."""
    done = cosign(part, "generate-key-pair", "--output-key-prefix", str(folder / "cosign"))
    assert done.returncode == 0, done.stderr
    return folder / "cosign.key", folder / "cosign.pub"


def pem_keys(folder: Path, curve: ec.EllipticCurve | None = None) -> tuple[Path, Path]:
    """Make a key pair as openssl does, on P-256 where no curve is named."""
    key = ec.generate_private_key(curve) if curve else new_key()
    (folder / "own.key").write_bytes(private_pem(key))
    (folder / "own.pub").write_text(public_pem(key))
    return folder / "own.key", folder / "own.pub"


def verified(part: Part, key: Path, reference: str) -> str:
    """Return what cosign says of a reference's signatures; fail where it finds none that are good."""
    done = cosign(part, "verify", "--key", str(key), "--insecure-ignore-tlog", "--allow-insecure-registry", reference)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pull(reference: str, folder: Path, key: Path) -> int:
    """Pull under a key; return the exit code."""
    return weighbridge.main(["pull", reference, "-o", str(folder), "--key", str(key), "--quiet"])


def test_the_real_cosign_verifies_what_push_signs_by_either_kind_of_key(
    part: Part, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two keys sign one artifact, the second beside the first; the tag leads to no artifact that is not signed."""
    monkeypatch.setenv("COSIGN_PASSWORD", "hush")
    reference, folder = f"{registry.address}/sign/both:v1", str(write_tree(tmp_path / "model", MODEL))
    pairs = [cosign_keys(part, tmp_path), pem_keys(tmp_path)]
    for key, _ in pairs:
        assert weighbridge.main(["push", folder, reference, "--sign", str(key), "--quiet"]) == 0
    for number, (_, public) in enumerate(pairs):
        assert "docker-manifest-digest" in verified(part, public, reference)
        assert pull(reference, tmp_path / f"pulled-{number}", public) == 0
        assert read_tree(tmp_path / f"pulled-{number}") == MODEL


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_a_key_on_any_curve_signs_as_the_real_cosign_verifies(
    part: Part, registry: Registry, tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    """Its classic form hashes by SHA-256, whatever the size of the curve."""
    key, public = pem_keys(tmp_path, curve)
    reference = f"{registry.address}/sign/on-{curve.name}:v1"
    folder = str(write_tree(tmp_path / "model", MODEL))
    assert weighbridge.main(["push", folder, reference, "--sign", str(key), "--quiet"]) == 0
    assert "docker-manifest-digest" in verified(part, public, reference)
    assert pull(reference, tmp_path / "pulled", public) == 0


def test_every_verb_with_a_key_fails_where_another_one_signed(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder's artifact is judged as a source is, its bytes beside that; the signers are shown."""
    (tmp_path / "other").mkdir()
    (key, public), (_, other) = pem_keys(tmp_path), pem_keys(tmp_path / "other")
    reference, model = f"{registry.address}/sign/verbs:v1", str(write_tree(tmp_path / "model", MODEL))
    assert weighbridge.main(["push", model, reference, "--sign", str(key), "--quiet"]) == 0
    folder = tmp_path / "pulled"
    assert weighbridge.main(["pull", reference, "-o", str(folder), "--quiet"]) == 0
    for verb in (["verify", str(folder)], ["verify", reference], ["inspect", reference]):
        capsys.readouterr()
        assert weighbridge.main([*verb, "--json", "--key", str(public)]) == 0
        assert len(json.loads(capsys.readouterr().out)["signers"]) == 1
        assert weighbridge.main([*verb, "--key", str(other)]) == 1
        assert "signature" in "".join(capsys.readouterr())
        assert weighbridge.main(verb) == 0
    unsigned = f"{registry.address}/sign/unsigned:v1"
    assert weighbridge.main(["push", model, unsigned, "--exclude", "config.json", "--quiet"]) == 0
    assert weighbridge.main(["verify", str(folder), "--source", unsigned, "--key", str(public)]) == 1
    assert "[signature.missing]" in capsys.readouterr().err


def test_of_an_image_the_index_is_signed(
    part: Part, registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One signature, of the digest to which the tag leads, speaks for every architecture."""
    key, public = pem_keys(tmp_path)
    folder, target = write_tree(tmp_path / "model", MODEL), f"{registry.address}/sign/image:v1"
    assert weighbridge.main(["push", str(folder), target, "--as", "image", "--sign", str(key), "--quiet"]) == 0
    assert capsys.readouterr().out.strip().rpartition("@")[2] in verified(part, public, target)
    assert pull(target, tmp_path / "out", public) == 0
    assert read_tree(tmp_path / "out") == MODEL


def test_a_second_push_with_the_same_key_adds_no_signature(registry: Registry, tmp_path: Path) -> None:
    """The same folder gives the same digest, which is signed once."""
    key, _ = pem_keys(tmp_path)
    reference, folder = f"{registry.address}/sign/once:v1", str(write_tree(tmp_path / "model", MODEL))
    said = registry.process.said
    for _ in range(2):
        assert weighbridge.main(["push", folder, reference, "--sign", str(key), "--quiet"]) == 0
    puts = [line for line in said().splitlines() if "PUT" in line and "sign/once/manifests/sha256-" in line]
    assert len({line for line in puts if "http.response.status=201" in line}) <= 1


@pytest.mark.parametrize("mirrored", ["less", "more"])
def test_a_stale_mirror_neither_drops_a_signature_nor_hides_that_one_is_missing(tmp_path: Path, mirrored: str) -> None:
    """Law: what is signed already, the registry itself says: a list that is written leaves out nobody's signature."""
    folder = str(write_tree(tmp_path / "model", MODEL))
    keys = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        keys.append(str(pem_keys(tmp_path / name)[0]))
    with fake_registry() as origin, fake_registry() as mirror:
        push = ["push", folder, origin.reference(), "--quiet", "--sign"]
        assert weighbridge.main([*push, keys[0]]) == 0
        mirror.blobs.update(origin.blobs)
        mirror.manifests.update(origin.manifests)
        (tag,) = [name for name in origin.manifests if name.endswith(".sig")]
        if mirrored == "less":
            assert weighbridge.main([*push, keys[1]]) == 0
        else:
            del origin.manifests[tag]
        hosts = ["--hosts-dir", hosts_dir(tmp_path, origin.address, mirror)]
        assert weighbridge.main([*push, keys[2] if mirrored == "less" else keys[0], *hosts]) == 0
        assert len(json.loads(origin.manifests[tag])["layers"]) == (3 if mirrored == "less" else 1)


def test_a_registry_that_refuses_absent_tags_is_signed_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """403 for a tag that is not there is said, and ends no push after its weights were sent."""
    key, public = pem_keys(tmp_path)
    folder = str(write_tree(tmp_path / "model", MODEL))
    with fake_registry() as fake:
        fake.fail(lambda _, answer: Answer(403) if answer.status == 404 else answer, path="/manifests/")
        assert weighbridge.main(["push", folder, fake.reference(), "--sign", str(key)]) == 0
        assert "taken as signed by nobody yet" in capsys.readouterr().err
        assert pull(fake.reference(), tmp_path / "pulled", public) == 0


def test_signatures_that_may_not_be_read_are_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing of the repository may be read, others' signatures may stand under the tag."""
    key, _ = pem_keys(tmp_path)
    folder = str(write_tree(tmp_path / "model", MODEL))
    with fake_registry() as fake:
        fake.fail(faults.status(403), path="/(manifests|blobs)/")
        assert weighbridge.main(["push", folder, fake.reference(), "--sign", str(key), "--quiet"]) == 1
        assert "[registry.unauthorized]" in capsys.readouterr().err
        assert not [name for name in fake.manifests if not name.startswith("sha256:")]


@pytest.mark.parametrize("times", [0, 1])
def test_signatures_that_are_refused_for_a_moment_or_with_all_manifests_stay(tmp_path: Path, times: int) -> None:
    """Whoever may read blobs need not see manifests; and a refusal may pass."""
    (tmp_path / "other").mkdir()
    (key, public), (other, _) = pem_keys(tmp_path), pem_keys(tmp_path / "other")
    folder = str(write_tree(tmp_path / "model", MODEL))
    with fake_registry() as fake:
        assert weighbridge.main(["push", folder, fake.reference(), "--sign", str(key), "--quiet"]) == 0
        path = "/manifests/sha256-" if times else "/manifests/"
        fake.fail(faults.status(403), path=path, method="GET", times=times or 100)
        code = weighbridge.main(["push", folder, fake.reference(), "--sign", str(other), "--quiet"])
        fake.faults.clear()
        assert code == (0 if times else 1)
        (tag,) = [name for name in fake.manifests if name.endswith(".sig")]
        assert len(json.loads(fake.manifests[tag])["layers"]) == (2 if times else 1)
        assert pull(fake.reference(), tmp_path / "pulled", public) == 0


def test_a_layout_holds_signatures_beside_its_artifact(tmp_path: Path) -> None:
    """Signed on one side of an air gap, it is verified on the other; the signature is no artifact of the layout."""
    key, public = pem_keys(tmp_path)
    folder = str(write_tree(tmp_path / "model", MODEL))
    assert weighbridge.main(["push", folder, f"layout://{tmp_path}/usb:v1", "--sign", str(key), "--quiet"]) == 0
    assert pull(f"layout://{tmp_path}/usb", tmp_path / "pulled", public) == 0
    (tmp_path / "other").mkdir()
    other = pem_keys(tmp_path / "other")[1]
    assert pull(f"layout://{tmp_path}/usb:v1", tmp_path / "refused", other) == 1


@pytest.mark.parametrize("content", [None, b"<html>", b"{}"], ids=["missing", "a page", "no manifest"])
def test_what_stands_broken_beside_an_artifact_in_a_layout_hides_no_signature(
    tmp_path: Path, content: bytes | None
) -> None:
    """As in a registry: whoever may add something must not hide what others added."""
    key, public = pem_keys(tmp_path)
    folder, layout = str(write_tree(tmp_path / "model", MODEL)), tmp_path / "usb"
    assert weighbridge.main(["push", folder, f"layout://{layout}:v1", "--sign", str(key), "--quiet"]) == 0
    digest = Digest.of(content or b"gone")
    if content is not None:
        (layout / "blobs/sha256" / digest.hex).write_bytes(content)
    index = json.loads((layout / "index.json").read_text())
    entry = {"mediaType": MANIFEST_TYPE, "digest": str(digest), "size": len(content or b"gone")}
    (layout / "index.json").write_text(json.dumps({**index, "manifests": [entry, *index["manifests"]]}))
    assert pull(f"layout://{layout}:v1", tmp_path / "pulled", public) == 0


@pytest.mark.parametrize("form", ["true", "false"], ids=["bundle", "classic"])
def test_what_the_real_cosign_signs_is_accepted(part: Part, registry: Registry, tmp_path: Path, form: str) -> None:
    """In its new form and in its old one; another key is refused, and no file appears."""
    key, public = cosign_keys(part, tmp_path)
    reference = f"{registry.address}/sign/by-cosign-{form}:v1"
    assert weighbridge.main(["push", str(write_tree(tmp_path / "model", MODEL)), reference, "--quiet"]) == 0
    options = ["--use-signing-config=false", "--tlog-upload=false", "--allow-insecure-registry", "--yes"]
    done = cosign(part, "sign", "--key", str(key), f"--new-bundle-format={form}", *options, reference)
    assert done.returncode == 0, done.stderr
    assert pull(reference, tmp_path / "pulled", public) == 0
    assert read_tree(tmp_path / "pulled") == MODEL
    assert pull(reference, tmp_path / "refused", pem_keys(tmp_path)[1]) == 1
    assert not (tmp_path / "refused").exists()


def test_what_the_real_model_signing_signs_is_accepted(registry: Registry, tmp_path: Path) -> None:
    """A model.sig among the files is judged by the manifest; code that is added later is not covered by it."""
    from model_signing import signing  # noqa: PLC0415 - it takes a second to import

    key, public = pem_keys(tmp_path)
    folder = write_tree(tmp_path / "model", MODEL)
    config = signing.Config()  # type: ignore[no-untyped-call] # it says nothing of its types
    config.use_elliptic_key_signer(private_key=key).sign(folder, folder / "model.sig")
    reference = f"{registry.address}/sign/by-model-signing:v1"
    assert weighbridge.main(["push", str(folder), reference, "--quiet"]) == 0
    assert pull(reference, tmp_path / "pulled", public) == 0
    (folder / "modeling.py").write_text("print('hello')")
    assert weighbridge.main(["push", str(folder), reference, "--quiet"]) == 0
    assert pull(reference, tmp_path / "refused", public) == 1


@pytest.mark.parametrize("kind", ["missing", "text", "public", "encrypted", "x25519"])
def test_a_key_that_cannot_sign_is_said_before_anything_is_sent(tmp_path: Path, kind: str) -> None:
    """The message names the file and what it is; nothing of its content."""
    file = tmp_path / "key"
    encryption = serialization.BestAvailableEncryption(b"hush")
    contents = {
        "text": b"hush",
        "public": public_pem(new_key()).encode(),
        "encrypted": new_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption),
        "x25519": _x25519(),
    }
    if kind in contents:
        file.write_bytes(contents[kind])
    with pytest.raises(BadKey, match=str(file)) as caught:
        SigningKey.read(file, {})
    assert "hush" not in str(caught.value)


def test_a_password_opens_a_key_and_its_text_shows_nothing(tmp_path: Path) -> None:
    """The project's own variable comes before cosign's."""
    file = tmp_path / "key"
    encryption = serialization.BestAvailableEncryption(b"hush")
    file.write_bytes(new_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    key = SigningKey.read(file, {"WEIGHBRIDGE_SIGN_PASSWORD": "hush", "COSIGN_PASSWORD": "other"})
    assert repr(key).startswith("SigningKey(key sha256:")
    with pytest.raises(BadKey):
        SigningKey.read(file, {"COSIGN_PASSWORD": "other"})


def _x25519() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415 - of this case alone

    return X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
