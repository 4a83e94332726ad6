"""Rows of the dataset: what each label stands for."""

from __future__ import annotations

from typing import Any, Final

_M: Final = 60.0
_H: Final = 3600.0

# label: (started, seconds or None while it runs, status, kind, name, the rest of the body)
ROWS: Final[dict[str, tuple[str, float | None, str, str, str, dict[str, Any]]]] = {
    "web": (
        "2026-01-31T10:00:00",
        90.0,
        "failed",
        "session",
        "pytest web",
        {
            "metadata": {
                "project": "ml-train",
                "env": "prod",
                "priority": 5,
                "flaky": True,
                "owner": None,
                "team": "core/web",
            },
            "attributes": {
                "git.sha": "4f2a9c1",
                "git.branch": "main",
                "ci.provider": "github",
                "pytest.exit_code": 1,
            },
        },
    ),
    "web.login": (
        "2026-01-31T10:00:01",
        0.25,
        "success",
        "test",
        "tests/test_login.py::test_ok",
        {
            "metadata": {"project": "ml-train", "env": "prod", "priority": "5"},
            "sources": {"project": "inherited", "env": "inherited"},
            "attributes": {
                "pytest.nodeid": "tests/test_login.py::test_ok[ada]",
                "pytest.markers": ["slow", "db"],
            },
            "iterator": {
                "index": 0,
                "count": 3,
                "item": {"user": "ada", "roles": ["admin", "dev"], "age": 36},
            },
        },
    ),
    "web.pay": (
        "2026-01-31T10:00:30",
        1.5,
        "failed",
        "test",
        "tests/test_pay.py::test_pay",
        {
            "metadata": {"project": "ml-train", "env": "prod", "priority": 5.0},
            "attributes": {
                "pytest.nodeid": "tests/test_pay.py::test_pay[bob]",
                "pytest.markers": ["db"],
            },
            "iterator": {"index": 1, "count": 3, "item": {"user": "bob", "age": "41"}},
            "error": {
                "type": "AssertionError",
                "message": "assert 1 == 2",
                "where": "tests/test_pay.py:10",
            },
        },
    ),
    "web.skip": (
        "2026-01-31T10:01:00",
        0.0,
        "skipped",
        "test",
        "tests/test_pay.py::test_refund",
        {
            "metadata": {"project": "ml-train", "env": "prod", "priority": "05"},
            "attributes": {"pytest.nodeid": "tests/test_pay.py::test_refund"},
            "iterator": {"index": 2, "count": 3, "item": "plain"},
        },
    ),
    "api": (
        "2026-01-31T23:59:59.999999",
        2 * _H,
        "success",
        "session",
        "pytest api",
        {
            "metadata": {"project": "ml-serve", "env": "dev", "priority": 7, "flaky": False},
            "attributes": {
                "git.sha": "77b0e12",
                "git.branch": "feature/x",
                "ci.provider": "gitlab",
            },
        },
    ),
    "api.get": (
        "2026-02-01T00:10:00",
        10 * _M,
        "success",
        "test",
        "tests/test_api.py::test_get",
        {
            "metadata": {"project": "ml-serve", "env": "dev"},
            "attributes": {"pytest.nodeid": "tests/test_api.py::test_get"},
            "attempt": 2,
        },
    ),
    "dag": (
        "2026-02-01T00:00:00",
        None,
        "running",
        "dag_run",
        "etl_daily",
        {
            "external_id": "scheduled__2026-02-01T00:00:00+00:00",
            "metadata": {
                "project": "etl",
                "customer": {"id": 7, "tier": "gold"},
                "tags": ["a", "b"],
                "version": "5.0",
            },
            "attributes": {"airflow.dag_id": "etl_daily"},
        },
    ),
    "dag.extract": (
        "2026-02-01T00:00:01",
        61.5,
        "success",
        "task",
        "extract",
        {
            "metadata": {"project": "etl"},
            "attributes": {
                "airflow.dag_id": "etl_daily",
                "airflow.task_id": "extract",
                "airflow.map_index": 0,
            },
            "iterator": {"index": 0, "item": 5},
        },
    ),
    "dag.extract.sub": (
        "2026-02-01T00:00:02",
        30.0,
        "success",
        "command",
        "dump --all",
        {"metadata": {"project": "etl", "rows": 1000}},
    ),
    "dag.extract.sub.fn": (
        "2026-02-01T00:00:03",
        2.0,
        "success",
        "function",
        "parse",
        {"metadata": {"project": "etl", "rows": "1000"}},
    ),
    "dag.load": (
        "2026-02-01T00:02:00",
        5.0,
        "failed",
        "task",
        "load",
        {
            "metadata": {"project": "etl", "customer.id": 7},
            "attributes": {"airflow.task_id": "load", "airflow.map_index": -1},
            "error": {"type": "TimeoutError", "message": "db:5432 refused"},
        },
    ),
    "train": (
        "2026-02-03T08:30:00",
        1 * _H,
        "success",
        "command",
        "train.py",
        {
            "metadata": {
                "project": "ml-train",
                "priority": 9.5,
                "runs": [{"gpu": "a100", "n": 1}, {"gpu": "h100"}],
                "metrics": {"loss": 0.25, "steps": [10, 20], "best": {"epoch": 3}},
                "size": 20_000_000,
            },
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "span_id": "00f067aa0ba902b7",
        },
    ),
    "big": (
        "2026-02-03T09:00:00",
        86_400.0,
        "success",
        "command",
        "count",
        {
            "metadata": {
                "priority": 2**63 - 1,
                "ratio": 0.0,
                "delta": -7,
                "small": 1e-300,
                "near": 9_007_199_254_740_993,
            }
        },
    ),
    "text": (
        "2026-02-03T09:30:00",
        1.0,
        "success",
        "command",
        "count",
        {
            "metadata": {
                "priority": "9223372036854775807",
                "ratio": "-0.0",
                "delta": "-7",
                "version": "1e3",
                "day": "2026-01-31",
                "wait": "10m",
                "near": "9007199254740993",
            }
        },
    ),
    "uni": (
        "2026-02-04T00:00:00",
        1.0,
        "success",
        "command",
        "na\u00efve",
        {
            "metadata": {
                "caf\u00e9": "cr\u00e8me",
                "project": "\u043f\u0440\u043e\u0435\u043a\u0442",
                "mood": "\U0001f680",
                "day": "2026-02-04",
            }
        },
    ),
    "empty": (
        "2026-02-04T00:00:30",
        1.0,
        "success",
        "command",
        "",
        {"metadata": {"note": "", "long": "x" * 1000, "project": "ML-train", "box": {}}},
    ),
    "quote": (
        "2026-02-04T00:01:00",
        1.0,
        "success",
        "command",
        "echo",
        {
            "metadata": {
                "note": 'it\'s "quoted" \\ 100%',
                "path": "C:\\dir\\*",
                "expr": "a=b",
                "star": "a*b?",
                "bracket": "[x]",
                "lines": "one\ntwo\tthree",
                "list": "a, b (c)",
                "word": "and",
            }
        },
    ),
    "nulls": (
        "2026-02-05T00:00:00",
        1.0,
        "success",
        "command",
        "null",
        {
            "metadata": {
                "owner": None,
                "env": None,
                "priority": None,
                "tags": [],
                "customer": None,
                "note": "null",
                "box": {"lid": None},
            }
        },
    ),
    "bools": (
        "2026-02-05T01:00:00",
        1.0,
        "success",
        "command",
        "true",
        {"metadata": {"flaky": False, "env": "true", "priority": True, "owner": "false"}},
    ),
    "arrays": (
        "2026-02-05T02:00:00",
        1.0,
        "success",
        "command",
        "list",
        {
            "metadata": {
                "tags": [["a"], ["c", 5]],
                "customer": [{"id": 7}, {"id": "8"}],
                "env": ["prod", "dev"],
                "owner": [None, None],
                "priority": [1, "7", True],
            }
        },
    ),
    "queued": ("2026-02-06T00:00:00", None, "queued", "command", "wait", {}),
    "cancel": (
        "2026-02-06T06:00:00",
        3.0,
        "cancelled",
        "session",
        "pytest all",
        {"metadata": {"project": "ml-train", "env": "staging"}, "flags": ["truncated"]},
    ),
    "lost": (
        "2026-02-06T07:00:00",
        0.5,
        "lost",
        "command",
        "train.py --resume",
        {"metadata": {"project": "ml_train", "env": "prod"}},
    ),
    "fn": (
        "2026-02-07T00:00:00",
        0.001,
        "success",
        "function",
        "score",
        {"metadata": {"env": "prod", "size": 512}},
    ),
    "span": (
        "2026-02-07T12:00:00",
        7 * 86_400.0,
        "success",
        "span",
        "GET /",
        {
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "span_id": "53995c3f42cd8ad8",
            "attributes": {"otel.service": "shop", "process.pid": 4711, "host.name": "node-1"},
        },
    ),
    "skew": (
        "2026-02-08T00:00:00",
        -5.0,
        "success",
        "command",
        "clock",
        {"metadata": {"env": "prod"}},
    ),
    "plain": ("2026-02-08T01:00:00", 1.0, "success", "command", "plain", {}),
    "words": (
        "2026-02-08T02:00:00",
        1.0,
        "success",
        "command",
        "words",
        {
            "metadata": {
                "in": "x",
                "and": 1,
                "1st": "first",
                "name": "shadowed",
                "status": "mine",
                "git": "bare",
                "git.sha": "said",
                "metadata": "m",
                "tenant": "acme",
                "team/env:a@b-c": "all",
                "kind.of": 5,
            }
        },
    ),
    "twin1": (
        "2026-02-09T00:00:00",
        1.0,
        "success",
        "command",
        "twin",
        {"metadata": {"env": "test"}, "external_id": "job-17"},
    ),
    "twin2": (
        "2026-02-09T00:00:01",
        1.0,
        "failed",
        "command",
        "twin",
        {
            "metadata": {"env": "Prod"},
            "external_id": "job-18",
            "error": {"type": "", "message": "", "where": "a.py:1"},
        },
    ),
    "today": ("2026-02-10T00:00:00", 1.0, "success", "command", "early", {}),
    "later": ("2026-02-10T11:59:30", None, "running", "command", "late", {}),
}
