"""Credentials: which keys name one, and which texts are or hold one.

Key rule and value rules of reliability.md §3.4. Every expression is linear: bounded repeats, no
nested ones, and a repeat never begins where the one before it could have gone on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")
_SECRET_WORDS: Final = frozenset(
    "password passwd passphrase passcode pwd secret secrets token credential credentials auth "
    "authorization bearer cookie cookies csrf xsrf dsn fernet salt otp totp pin ssn cvv cvc "
    "apikey sessionid sessid".split()
)
_SECRET_ENDINGS: Final = (
    *("password", "passwd", "passphrase", "secretkey", "accesskey", "privatekey"),
    *("apikey", "authtoken", "accesstoken", "apitoken", "refreshtoken"),
)
"""Ends of words that are written together, such as `dbpassword`."""
_SECRET_PAIRS: Final = frozenset(
    {(first, "key") for first in "api access private signing encryption account ssh".split()}
    | {(first, "tokens") for first in "api access auth refresh secret".split()}
    | {("connection", last) for last in ("string", "uri", "url")}
    | {("session", "id"), ("pass", "word"), ("pass", "phrase"), ("pass", "code")}
)
_ABOUT: Final = frozenset(
    "count counts rate ratio limit length len size type kind name usage cost price usd eur budget "
    "ttl age expiry expires expired policy strength enabled required status state method mode "
    "provider scheme url uri endpoint host port total max min avg mean per version file path user "
    "username group role realm service".split()
)
"""Last words of keys that tell something about a secret, not the secret: `token_count`."""
_NO_SECRET: Final = frozenset(
    {("per", "token"), ("next", "token"), ("page", "token"), ("num", "token")}
    | {(first, "pass") for first in "test tests all first second multi single two did".split()}
)
"""Last two words of keys that only sound like a secret."""


@lru_cache(maxsize=4096)
def is_secret_key(key: str) -> bool:
    """Whether a key names a credential, by whole words; `camelCase` is split.

    >>> [is_secret_key(key) for key in ("db_password", "apiKey", "DSN", "sessionId")]
    [True, True, True, True]
    >>> [is_secret_key(key) for key in ("pass_rate", "cost_per_token_usd", "author", "tokenizer")]
    [False, False, False, False]
    """
    words = [word.lower() for word in _WORD.findall(key)]
    if not words:
        return False
    pairs = set(pairwise(words))
    if pairs & _SECRET_PAIRS:
        return words[-1] not in _ABOUT or bool(pairs & {("connection", words[-1])})
    if words[-1] in _ABOUT or tuple(words[-2:]) in _NO_SECRET:
        return False
    return (
        words[-1] == "pass"
        or not _SECRET_WORDS.isdisjoint(words)
        or any(word.endswith(_SECRET_ENDINGS) for word in words)
    )


Replacement = str | Callable[[re.Match[str]], str]


def _assigned(found: re.Match[str]) -> str:
    name, between = found["name"], found["between"]
    return f"{name}{between}[redacted]" if is_secret_key(name) else found.group()


_RULES: Final[tuple[tuple[tuple[str, ...], re.Pattern[str], Replacement], ...]] = (
    (
        ("PRIVATE KEY-----",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
            r"(?:[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?)"
        ),
        "[redacted:pem]",
    ),
    # user:password@ first up to the last @ of the authority, then a password with a slash in it,
    # which is no URL and is written nevertheless; a port is no password.
    (
        ("://",),
        re.compile(r"(://[^\s/?#@:\"'<>]{0,256}:)[^\s/?#\"'<>]{1,256}@"),
        r"\1[redacted]@",
    ),
    (
        ("://",),
        re.compile(r"(://[^\s/?#@:\"'<>]{0,256}:)(?!\d{1,5}[/?#])[^\s@\"'<>]{1,256}@"),
        r"\1[redacted]@",
    ),
    (("://",), re.compile(r"(://)[A-Za-z0-9_\-]{20,256}@"), r"\1[redacted]@"),
    (("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "[redacted:aws]"),
    (
        ("gh", "github_pat_"),
        re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})"),
        "[redacted:github]",
    ),
    (("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_\-]{16,255}"), "[redacted:gitlab]"),
    (
        ("xox", "hooks.slack.com/"),
        re.compile(
            r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,255}"
            r"|\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_\-]{8,255}"
        ),
        "[redacted:slack]",
    ),
    (
        ("_live_", "_test_", "whsec_"),
        re.compile(r"\b(?:[spr]k_(?:live|test)_[0-9A-Za-z]{10,255}|whsec_[0-9A-Za-z+/=]{16,255})"),
        "[redacted:stripe]",
    ),
    (
        ("AIza", "ya29."),
        re.compile(r"\bAIza[0-9A-Za-z_\-]{35}|\bya29\.[0-9A-Za-z_\-]{20,1000}"),
        "[redacted:gcp]",
    ),
    (("emk_",), re.compile(r"\bemk_[A-Za-z0-9_\-]{8,255}"), "[redacted:execmeta]"),
    (
        ("eyJ",),
        re.compile(r"\beyJ[A-Za-z0-9_\-]{5,4000}\.[A-Za-z0-9_\-]{4,8000}\.[A-Za-z0-9_\-]{0,4000}"),
        "[redacted:jwt]",
    ),
    (
        ("sk-", "hf_", "npm_"),
        re.compile(
            r"\b(?:sk-[A-Za-z0-9_\-]{20,255}|hf_[A-Za-z0-9]{30,255}|npm_[A-Za-z0-9]{36,255})"
        ),
        "[redacted:key]",
    ),
    (
        ("earer", "EARER", "asic", "ASIC"),
        # A digit, `=`, `+` or `/` tells a credential from "basic understanding".
        re.compile(
            r"\b((?:bearer|basic)\s{1,8})(?=[A-Za-z._~\-]{0,64}[0-9=+/])[A-Za-z0-9._~+/=\-]{6,4000}",
            re.IGNORECASE,
        ),
        r"\1[redacted]",
    ),
    # name=value, --name=value and "name": "value" when the name is a secret key.
    (
        ("=", '":', "':"),
        re.compile(
            r"(?P<name>(?<![A-Za-z0-9_.\-])[A-Za-z_\-][A-Za-z0-9_.\-]{0,100})"
            r"(?P<between>=(?!=)|[\"']\s{0,8}:\s{0,8})"
            r"(?:\"[^\"\n]{0,4000}\"?|'[^'\n]{0,4000}'?|[^\s,;&)\]}\"'\[]{1,4000})"
        ),
        _assigned,
    ),
    # --name value: as people type it in a shell.
    (
        ("--",),
        re.compile(
            r"(?P<name>(?<!\S)--[A-Za-z][A-Za-z0-9_.\-]{0,100})(?P<between>\s{1,8})"
            r"(?:\"[^\"\n]{0,4000}\"?|'[^'\n]{0,4000}'?|[^\s\-][^\s]{0,4000})"
        ),
        _assigned,
    ),
)
_SHORTEST: Final = 6
"""Characters of the shortest text that can hold a credential: `pin=12`."""


def scrubbed(text: str) -> str:
    """`text` with `[redacted]` or `[redacted:<rule>]` for every credential in it; its length is
    hidden too.

    >>> scrubbed("postgresql://svc:s3cr3t@db/prod")
    'postgresql://svc:[redacted]@db/prod'
    >>> scrubbed("pytest -k smoke --token=abc123 --password abc")
    'pytest -k smoke --token=[redacted] --password [redacted]'
    """
    if len(text) < _SHORTEST:
        return text
    return _scrubbed_short(text) if len(text) <= 100 else _scrubbed(text)


def _scrubbed(text: str) -> str:
    for needles, pattern, replacement in _RULES:
        for needle in needles:
            if needle in text:
                text = pattern.sub(replacement, text)
                break
    return text


# Most values come again and again: env=prod, project=ml.
_scrubbed_short: Final = lru_cache(maxsize=4096)(_scrubbed)
