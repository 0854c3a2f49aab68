"""For servers that receive Sottovoce's webhooks: whether a call is to be believed.

Give these functions the body as it came, byte for byte, and not what ``json.loads`` makes of it.
Everything but public keys (``whpk_…``) needs the standard library only; those need the package
``cryptography``: ``pip install sottovoce-webhooks[ed25519]``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from typing import Callable, Optional, Sequence

__all__ = [
    "HMAC_HEADER",
    "TOLERANCE",
    "SeenIds",
    "WebhookError",
    "verify_hmac_sha1",
    "verify_standard",
]

TOLERANCE = 300
"""How far the sender's clock and the receiver's may differ, in seconds."""

HMAC_HEADER = "x-sottovoce-hmac-sha1"
"""The header that carries HMAC-SHA1, unless the endpoint names another."""


class WebhookError(Exception):
    """A call that is not to be believed, or a key that is none.

    ``code`` is stable: ``malformed-header``, ``stale-timestamp``, ``bad-signature`` or
    ``malformed-key``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def verify_hmac_sha1(
    header: Optional[str],
    body: bytes,
    tokens: Sequence[str],
    token_use: str = "text",
) -> None:
    """Verifies the HMAC-SHA1 header, in either letter case, under any of the tokens that are valid:
    two while the account changes its token. ``token_use`` is ``text`` or ``hex``, as the endpoint
    is set.

    It proves who sent the body but not when: a call that was recorded can be sent again. Prefer
    ``verify_standard`` where that matters.
    """
    keys = [_token_key(token, token_use) for token in tokens]
    given = header or ""
    if re.fullmatch(r"[0-9a-fA-F]{40}", given) is None:
        raise _malformed()
    tag = bytes.fromhex(given)
    found = False
    for key in keys:
        found |= hmac.compare_digest(hmac.new(key, body, hashlib.sha1).digest(), tag)
    if not found:
        raise _bad()


def verify_standard(
    id: Optional[str],
    timestamp: Optional[str],
    signature: Optional[str],
    body: bytes,
    keys: Sequence[str],
    now: Optional[float] = None,
) -> None:
    """Verifies that one of the signatures was made by one of the keys (``whsec_…`` or ``whpk_…``),
    within five minutes of ``now`` (seconds since 1970). The first three are the headers
    ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``. Signatures of versions that none
    of the keys is for are passed over.
    """
    checks = [_read_key(key) for key in keys]
    if not id or not signature or re.fullmatch(r"[0-9]{1,12}", timestamp or "", re.ASCII) is None:
        raise _malformed()
    if abs(int(timestamp or "") - (time.time() if now is None else now)) > TOLERANCE:
        raise WebhookError("stale-timestamp", "the timestamp is more than five minutes off")
    message = f"{id}.{timestamp}.".encode() + body
    found = False
    for one in signature.split(" "):
        version, _, encoded = one.partition(",")
        given = _from_base64(encoded)
        if given is None:
            continue
        for of, check in checks:
            found |= of == version and check(given, message)
    if not found:
        raise _bad()


class SeenIds:
    """Remembers the ids of events that were taken in, so that one that comes again is known: an
    answer may be lost on its way, and then the sender must send once more. Answer 2xx to those, and
    do nothing.

    It lives in memory and forgets after ``keep`` seconds; a receiver with a database keeps the ids
    there, in the transaction that takes the event in. Retries go on for about three days.
    """

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_new(self, id: str, now: Optional[float] = None) -> bool:
        """Whether this id is new. Ask only after the signature verified."""
        now = time.time() if now is None else now
        while self._seen and now - next(iter(self._seen.values())) > self._keep:
            self._seen.popitem(last=False)
        if id in self._seen:
            return False
        self._seen[id] = now
        return True


_Check = Callable[[bytes, bytes], bool]


def _read_key(text: str) -> tuple[str, _Check]:
    prefix, _, encoded = text.partition("_")
    key = _from_base64(encoded)
    if key is not None and prefix == "whsec" and 24 <= len(key) <= 64:
        return "v1", _hmac_sha256(key)
    if key is not None and prefix == "whpk" and len(key) == 32:
        return "v1a", _ed25519(key)
    raise WebhookError("malformed-key", "not a key of the form whsec_… or whpk_…")


def _hmac_sha256(key: bytes) -> _Check:
    def check(given: bytes, message: bytes) -> bool:
        return hmac.compare_digest(hmac.new(key, message, hashlib.sha256).digest(), given)

    return check


def _ed25519(key: bytes) -> _Check:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = Ed25519PublicKey.from_public_bytes(key)

    def check(given: bytes, message: bytes) -> bool:
        try:
            public.verify(given, message)
        except InvalidSignature:
            return False
        return True

    return check


def _token_key(token: str, token_use: str) -> bytes:
    if re.fullmatch(r"[0-9a-fA-F]{96}", token) is None:
        raise WebhookError("malformed-key", "not a secret token of 96 hexadecimal characters")
    return bytes.fromhex(token) if token_use == "hex" else token.encode("ascii")


def _from_base64(text: str) -> Optional[bytes]:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def _malformed() -> WebhookError:
    return WebhookError("malformed-header", "a signature header is missing or malformed")


def _bad() -> WebhookError:
    return WebhookError("bad-signature", "no signature verifies")
