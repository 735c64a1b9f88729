"""Puts together how charging is paid for, from settings."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud.api.tokens import load_key
from cloud.payment.fake import FakeProvider
from cloud.payment.port import PaymentPort
from cloud.payment.process import Payments
from cloud.payment.stripe import TIMEOUT_S, Stripe
from cloud.receipts.ocmf import Sealer
from cloud.settings import CloudSettings
from cloud.settings_money import PaymentSettings, ReceiptSettings
from cloud.store.store import Store
from powerctl.core.errors import ConfigError


@asynccontextmanager
async def payments_of(settings: CloudSettings, store: Store) -> AsyncIterator[Payments | None]:
    """What sells charging tokens, until the block ends. None: nobody needs to pay.

    Raises:
        ConfigError: A file with a secret cannot be used.
    """
    chosen = settings.payment
    if chosen.provider == "none":
        yield None
        return
    token_key = derived_key(settings.identity.signing_key, b"charging token")
    if chosen.provider == "fake":
        yield _payments(store, FakeProvider(store.clock), token_key)
        return
    headers = {"Authorization": f"Bearer {secret_in(chosen.secret_key_file, 'cloud.payment.secret_key_file')}"}
    async with httpx.AsyncClient(base_url=chosen.address, headers=headers, timeout=TIMEOUT_S) as client:
        yield _payments(store, Stripe(client), token_key)


def webhook_secret(settings: PaymentSettings) -> bytes:
    """What the provider signs webhooks with; without a file something that nobody knows, so that none fits.

    Raises:
        ConfigError: The file cannot be used.
    """
    if settings.webhook_secret_file is None:
        return secrets.token_bytes(32)
    return secret_in(settings.webhook_secret_file, "cloud.payment.webhook_secret_file").encode()


def sealer(settings: ReceiptSettings) -> Sealer | None:
    """What signs receipts. None: they are not signed.

    Raises:
        ConfigError: The key cannot be used.
    """
    if settings.signing_key is None:
        return None
    return Sealer(load_key(settings.signing_key, "cloud.receipts.signing_key"))


def derived_key(signing_key: Path, purpose: bytes) -> bytes:
    """A key for one purpose, which says nothing about the key that it comes from (RFC 5869).

    Raises:
        ConfigError: The key cannot be used.
    """
    secret = load_key(signing_key).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return HKDF(hashes.SHA256(), 32, None, purpose).derive(secret)


def _payments(store: Store, provider: PaymentPort, token_key: bytes) -> Payments:
    return Payments(store, provider, token_key, store.new_id)


def secret_in(path: Path | None, setting: str) -> str:
    """The secret in a file. Raises ConfigError: there is none."""
    if path is None:
        raise ConfigError(setting, "is missing.", "Name the file with the secret.")
    try:
        text = path.read_text().strip()
    except OSError as error:
        raise ConfigError(setting, f"{path} cannot be read: {error.strerror}.", "Name the file with it.") from error
    if not text:
        raise ConfigError(setting, f"{path} is empty.", "Write the secret into it.")
    return text
