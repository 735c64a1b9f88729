"""A bundle: a tar file with a signed manifest in front, and the files that the manifest names.

The signature is Ed25519 over the manifest's bytes. Nothing of a bundle is believed before it is verified, and nothing
of it is written outside the folder that the caller names.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.update.manifest import File, Manifest, Refused, decode
from powerctl.core.errors import ConfigError
from powerctl.runtime.pki import write_private

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
MAX_MANIFEST: Final = 16 * 1024**2
_BLOCK: Final = 1024**2


def new_key(path: Path) -> Path:
    """A new signing key in `path`; returns where the public key for the stations is."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(path, pem)
    public = path.with_suffix(".pub")
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return public


def build(tree: Path, out: Path, key_file: Path, *, version: str, number: int, may_replace: int = 0) -> Manifest:
    """Make a signed bundle of the files in `tree`.

    Raises:
        ConfigError: The key or the tree cannot be used.
    """
    key = _private_key(key_file)
    paths = sorted(path for path in tree.rglob("*") if not path.is_dir())
    if not paths or any(path.is_symlink() or not path.is_file() for path in paths):
        raise ConfigError(str(tree), "must hold files, and nothing but files.", "Resolve links before you build.")
    files = tuple(_described(tree, path) for path in paths)
    manifest = Manifest(version, number, may_replace, files)
    content = manifest.encode()
    decode(content)
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, MANIFEST, content)
        _add(archive, SIGNATURE, key.sign(content))
        for file in files:
            archive.add(tree / file.path, f"files/{file.path}", recursive=False)
    return manifest


def verify(bundle: Path, keys: Sequence[Path]) -> Manifest:
    """The manifest of a bundle of which every byte is as its signer left it.

    Raises:
        Refused: It is not.
        ConfigError: A key cannot be used.
    """
    with _opened(bundle, keys) as (manifest, archive):
        for file, source in _contents(manifest, archive):
            _check(file, source, None)
    return manifest


def unpack(bundle: Path, keys: Sequence[Path], folder: Path) -> Manifest:
    """Write the bundle's files into `folder`, verified again while they are written, and synced.

    Raises:
        Refused: The bundle is not as its signer left it; `folder` is not to be used.
        OSError: The disk takes no more.
    """
    with _opened(bundle, keys) as (manifest, archive):
        for file, source in _contents(manifest, archive):
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as sink:
                _check(file, source, sink)
                os.fchmod(sink.fileno(), file.mode)
                os.fsync(sink.fileno())
    return manifest


def differences(manifest: Manifest, folder: Path) -> list[str]:
    """The paths in `folder` that are not as the manifest says, or that it does not name."""
    wrong = []
    for file in manifest.files:
        try:
            with (folder / file.path).open("rb") as source:
                _check(file, source, None)
        except (OSError, Refused):
            wrong.append(file.path)
    named = {file.path for file in manifest.files}
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return wrong + sorted(path for path in found if path not in named and "__pycache__" not in path)


@contextmanager
def _opened(bundle: Path, keys: Sequence[Path]) -> Iterator[tuple[Manifest, tarfile.TarFile]]:
    try:
        with tarfile.open(bundle, "r|") as archive:
            content = _small(archive, MANIFEST)
            _require_signed(content, _small(archive, SIGNATURE), keys)
            yield decode(content), archive
    except (tarfile.TarError, EOFError) as error:
        raise Refused(f"the bundle is damaged: {error}") from error
    except FileNotFoundError as error:
        raise ConfigError(str(bundle), "is not there.", "Name a bundle.") from error


def _require_signed(content: bytes, signature: bytes, keys: Sequence[Path]) -> None:
    if not keys:
        raise ConfigError("the update keys", "are missing.", "Name the public key of whom you take software from.")
    for path in keys:
        try:
            _public_key(path).verify(signature, content)
        except InvalidSignature:
            continue
        return
    raise Refused("the bundle is not signed by anybody whom this station trusts")


def _contents(manifest: Manifest, archive: tarfile.TarFile) -> Iterator[tuple[File, IO[bytes]]]:
    """Every file with its content, in the manifest's order, and nothing else."""
    for file in manifest.files:
        member = archive.next()
        source = archive.extractfile(member) if member is not None and member.isreg() else None
        if member is None or source is None or member.name != f"files/{file.path}" or member.size != file.size:
            raise Refused(f"{file.path}: is missing, or is not what the manifest says")
        yield file, source
    if archive.next() is not None:
        raise Refused("the bundle holds more than its manifest says")


def _check(file: File, source: IO[bytes], sink: IO[bytes] | None) -> None:
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        size += len(block)
        if sink is not None:
            sink.write(block)
    if sink is not None:
        sink.flush()
    if digest.hexdigest() != file.sha256 or size != file.size:
        raise Refused(f"{file.path}: is not what the manifest says")


def _small(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.next()
    source = archive.extractfile(member) if member is not None and member.isreg() else None
    if member is None or source is None or member.name != name or member.size > MAX_MANIFEST:
        raise Refused("this is no bundle")
    return source.read()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _described(tree: Path, path: Path) -> File:
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    return File(path.relative_to(tree).as_posix(), path.stat().st_size, digest, mode)


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(str(path), f"cannot be used: {error}.", "Make one with `update new-key`.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(str(path), "is no Ed25519 key.", "Make one with `update new-key`.")
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), f"cannot be used: {error}.", "Name a public key in PEM.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(str(path), "is no Ed25519 key.", "Name the public key that `update new-key` has made.")
    return key
