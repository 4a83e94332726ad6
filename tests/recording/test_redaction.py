"""Redaction: credentials are found by key and by form, everything else stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execmeta import hookimpl
from execmeta.hooks.manager import Plugins
from execmeta.recording.credentials import is_secret_key, scrubbed
from execmeta.recording.redaction import Redactor


@pytest.mark.parametrize(
    "key",
    [
        *("password", "db_password", "DB_PASSWORD", "dbPassword", "DBPassword", "dbpassword"),
        *("passwd", "passphrase", "passcode", "pwd", "user.pwd", "db_pass", "secret"),
        *("client_secret", "token", "github-token", "accessToken", "authtoken", "token2"),
        *("api_key", "apiKey", "APIKey", "X-Api-Key", "apikey", "access_key", "accessKeyId"),
        *("privateKey", "signing_key", "encryption_key", "ssh_key", "AccountKey"),
        *("credential", "aws.credentials", "auth", "Authorization", "bearer", "cookie"),
        *("Set-Cookie", "session_id", "sessionId", "csrf", "dsn", "SENTRY_DSN"),
        *("connection_string", "connectionUri", "connection_url", "fernet", "fernet_key"),
        *("salt", "otp", "pin", "ssn", "cvv", "refresh_tokens", "--token"),
    ],
)
def test_a_key_that_names_a_credential(key: str) -> None:
    assert is_secret_key(key)
    assert Redactor().redact_value(key, "hunter2") == "[redacted:key]"


@pytest.mark.parametrize(
    "key",
    [
        *("project", "env", "author", "authority", "tokenizer", "max_tokens", "prompt_tokens"),
        *("pass_rate", "tests_pass", "passed", "bypass", "compass", "cost_per_token_usd"),
        *("token_count", "cost_per_token", "next_token", "auth_method", "cookie_policy"),
        *("secret_name", "password_length", "pinned", "spinner", "opinion", "salted_butter"),
        *("basalt", "keyboard", "key", "primary_key", "session", "dsn_host", "git.branch", ""),
    ],
)
def test_a_key_that_only_sounds_like_one(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("postgresql://svc:s3cr3t@db/prod", "postgresql://svc:[redacted]@db/prod"),
        ("redis://:s3cr3t@cache:6379/0", "redis://:[redacted]@cache:6379/0"),
        ("amqp://u:p@ss@h/v and more", "amqp://u:[redacted]@h/v and more"),
        ("mysql://u:pa/ss@h/db", "mysql://u:[redacted]@h/db"),
        ("https://" + "a1" * 15 + "@host/r.git", "https://[redacted]@host/r.git"),
        ("AKIAABCDEFGHIJKLMNOP", "[redacted:aws]"),
        ("id=ASIAABCDEFGHIJKLMNOP.", "id=[redacted:aws]."),
        ("ghp_" + "a" * 36, "[redacted:github]"),
        ("github_pat_" + "a1_" * 20, "[redacted:github]"),
        ("glpat-" + "x" * 20, "[redacted:gitlab]"),
        ("xoxb-123456789012-abc", "[redacted:slack]"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://[redacted:slack]"),
        ("sk_live_" + "4" * 24, "[redacted:stripe]"),
        ("AIza" + "b" * 35, "[redacted:gcp]"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "[redacted:jwt]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "[redacted:pem]"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nrest",
            "[redacted:pem]\nrest",
        ),
        ("emk_k1_abcdefgh", "[redacted:execmeta]"),
        ("Authorization: Bearer abc123def", "Authorization: Bearer [redacted]"),
        ("basic dXNlcjpwYXNz=", "basic [redacted]"),
        ("pytest -k smoke --token=abc123", "pytest -k smoke --token=[redacted]"),
        ("run --password 's e c' -v", "run --password [redacted] -v"),
        ("run --api-key abc --verbose", "run --api-key [redacted] --verbose"),
        ("host=db password=x user=y", "host=db password=[redacted] user=y"),
        ('{"password": "hunter2", "host": "h"}', '{"password": [redacted], "host": "h"}'),
        ("connect(token='abc')", "connect(token=[redacted])"),
        ("https://h/?access_token=abc&x=1", "https://h/?access_token=[redacted]&x=1"),
        ("AccountKey=abc==;Endpoint=x", "AccountKey=[redacted];Endpoint=x"),
    ],
)
def test_a_text_that_holds_a_credential(text: str, found: str) -> None:
    assert scrubbed(text) == found
    assert scrubbed(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8080/a@b",
        "https://user@host/path",
        "ssh://git@host:22/r.git",
        "mail ann@example.org: done",
        "basic understanding of bearer bonds",
        "assert token == 5",
        "unexpected token: '}'",
        "pass_rate=0.98 tokens=512 max_tokens=5",
        "--token --verbose",
        "ghp_short",
        "a=b c=d --env prod",
        "eyJust a word.",
        "ratio 10:20@30",
        "sha256:" + "ab" * 32,
    ],
)
def test_a_text_that_holds_none_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_nested_values_are_walked() -> None:
    value: Any = {"db": {"password": "x", "host": "h", "urls": ["redis://:p@h", 5]}, "n": 1.5}

    assert Redactor().redact_value("config", value) == {
        "db": {"password": "[redacted:key]", "host": "h", "urls": ["redis://:[redacted]@h", 5]},
        "n": 1.5,
    }


def test_the_split_form_of_a_command_line_is_known() -> None:
    argv: Any = ["pytest", "--token", "abc123", "--token", "-v", "--k", "x", "--password"]

    found = Redactor().redact_value("argv", argv)

    assert found == ["pytest", "--token", "[redacted:key]", *argv[3:]]


@pytest.mark.parametrize("value", [None, True, False])
def test_yes_no_and_nothing_are_no_credentials(value: Any) -> None:
    assert Redactor().redact_value("password", value) is value
    assert Redactor().redact_value("x", {"password": value}) == {"password": value}


def test_numbers_under_a_secret_key_and_whole_objects_are_taken() -> None:
    assert Redactor().redact_mapping({"pin": 1234, "credentials": {"user": "x"}, "n": 5}) == {
        "pin": "[redacted:key]",
        "credentials": "[redacted:key]",
        "n": 5,
    }


def test_an_allowed_key_is_recorded_as_it_is() -> None:
    redactor = Redactor(allow={"pin"})

    assert redactor.redact_value("pin", 1234) == 1234
    assert redactor.redact_value("x", {"pin": "a", "otp": "b"}) == {
        "pin": "a",
        "otp": "[redacted:key]",
    }


def test_patterns_of_the_settings_are_taken_too() -> None:
    redactor = Redactor(patterns=["CUST-[0-9]+"])

    assert redactor.redact_value("note", "for CUST-77") == "for [redacted:custom]"
    assert redactor.redact_text("CUST-1") == "[redacted:custom]"


class Customers:
    """Takes customers out, and hands back what must not be handed back."""

    @hookimpl
    def execmeta_redact(self, key: str, value: Any) -> Any:
        if key == "boom":
            raise RuntimeError
        if key == "customer":
            return "[redacted:customer]"
        return {"token": value, "inf": float("inf")} if key == "wrapped" else None


def test_a_plugins_redactor_is_asked_and_its_answer_is_checked() -> None:
    plugins = Plugins(entry_points=list)
    plugins.register(Customers(), "customers")
    redactor = Redactor(plugins=plugins)

    found = redactor.redact_mapping(
        {"customer": "ACME", "boom": "x", "wrapped": "y", "other": "z", "password": "w"}
    )

    assert found == {
        "customer": "[redacted:customer]",
        "boom": "[redacted:error]",
        "wrapped": {"token": "[redacted:key]", "inf": "Infinity"},
        "other": "z",
        "password": "[redacted:key]",
    }
    assert plugins.failures == {"customers": 1}


SECRET = st.from_regex(r"[A-Za-z0-9]{12,40}", fullmatch=True)


@given(SECRET, st.text(max_size=20), st.text(max_size=20))
def test_a_password_in_a_url_never_gets_through(secret: str, before: str, after: str) -> None:
    text = f"{before} postgresql://u:Q{secret}Q@h/db {after}"

    assert f"Q{secret}Q" not in scrubbed(text)


HOSTILE = [
    *("://", "://a:", "://a:b", "a=", "eyJ", "eyJaaaaaaaa.", "bearer ", "sk-", "xox", "ghp_"),
    *('token="', '"token": ', "--token ", "--", "ya29.", "hooks.slack.com/services/", "=' "),
    *("-----BEGIN PRIVATE KEY-----", "-----BEGIN A", '":', "glpat-", "_live_", "AKIA"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_credential_behind_a_million_hostile_characters_is_found(piece: str) -> None:
    # An expression that is not linear would not come to an end here.
    text = piece * (1_000_000 // len(piece))

    found = scrubbed(f"{text}\nAKIAABCDEFGHIJKLMNOP")

    assert "AKIAABCDEFGHIJKLMNOP" not in found
