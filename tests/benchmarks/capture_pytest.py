"""What recording costs a pytest run: CPU per test over plain pytest, beside other recorders.

    python tests/benchmarks/capture_pytest.py [ROUNDS] [--workers N]

5,000 passing tests, half of them parametrised. In each round every way of recording runs right
after plain pytest, and the difference in CPU time (user + system, children included) of the two
counts; the median of the rounds is shown. Wall time is not: the host may be busy. `plain` against
itself is the noise of the measurement.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = 5_000
TAGS = ("--exec-meta", "project=ml", "--exec-meta", "env=prod")
PLUGIN = ("-p", "pytest_execmeta.plugin")


def write_suite(place: Path) -> Path:
    """Ten files: 500 plain tests in each of five, 10 x 5 x 10 parametrised ones in the others."""
    suite = place / "suite"
    suite.mkdir()
    (suite / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: marked\n", encoding="utf-8")
    for number in range(5):
        lines = ["import pytest\n"]
        for each in range(500):
            marker = "@pytest.mark.slow\n" if each % 5 == 0 else ""
            lines.append(f"{marker}def test_{each}():\n    assert {each} == {each}\n")
        (suite / f"test_plain_{number}.py").write_text("\n".join(lines), encoding="utf-8")
        lines = ["import pytest\n"]
        for each in range(10):
            lines.append(
                "@pytest.mark.parametrize('a', range(5))\n"
                "@pytest.mark.parametrize('b', list('abcdefghij'))\n"
                f"def test_{each}(a, b):\n    assert a < 5\n"
            )
        (suite / f"test_params_{number}.py").write_text("\n".join(lines), encoding="utf-8")
    return suite


def variants(place: Path) -> dict[str, list[str]]:
    """Name of a way of recording to its options."""
    found = {
        "plain": [],
        "execmeta, not asked": [*PLUGIN],
        "execmeta": [*PLUGIN, *TAGS],
        "junitxml": [f"--junitxml={place / 'junit.xml'}"],
    }
    if importlib.util.find_spec("pytest_reportlog"):
        found["reportlog"] = ["-p", "pytest_reportlog.plugin", f"--report-log={place / 'log'}"]
    return found


def cpu_seconds(suite: Path, place: Path, options: list[str]) -> float:
    """CPU time of one run of the suite, with the processes below it."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("EXECMETA_", "PYTEST_"))}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environ["EXECMETA_STORE"] = f"sqlite:///{place}/store.db"
    environ["EXECMETA_SPOOL"] = str(place / "spool")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    child = subprocess.Popen(command, cwd=suite, env=environ, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"pytest failed with {child.returncode}: {command}")
    return used.ru_utime + used.ru_stime


def recorded(place: Path) -> int:
    """Tests in the store, from the command line."""
    main = "from execmeta.cli.main import main; main()"
    command = [sys.executable, "-c", main, "list", "--all", "kind=test"]
    environ = os.environ | {
        "EXECMETA_STORE": f"sqlite:///{place}/store.db",
        "EXECMETA_SPOOL": str(place / "spool"),
    }
    done = subprocess.run(
        [*command, "--limit", "1", "-o", "json"], env=environ, capture_output=True, check=True
    )
    total: int = json.loads(done.stdout)["total"]
    return total


def measure(rounds: int, workers: int = 0) -> dict[str, float]:
    """Name of a way of recording to microseconds of CPU per test over plain pytest."""
    spread = ["-p", "xdist", "-n", str(workers)] if workers else []
    extra: dict[str, list[float]] = {}
    bases = []
    with tempfile.TemporaryDirectory(prefix="execmeta-bench-") as name:
        place = Path(name)
        suite = write_suite(place)
        cpu_seconds(suite, place, spread)
        for number in range(rounds):
            # A store for each round: a list's total is exact up to 10,000 only.
            spot = place / str(number)
            spot.mkdir()
            for variant, options in variants(spot).items():
                base = cpu_seconds(suite, spot, spread)
                bases.append(base)
                used = cpu_seconds(suite, spot, [*spread, *options])
                extra.setdefault(variant, []).append((used - base) / TESTS * 1e6)
            if (count := recorded(spot)) != TESTS:
                sys.exit(f"{count} of {TESTS} tests are in the store")
    base_us = statistics.median(bases) / TESTS * 1e6
    print(f"\n{TESTS} tests, {rounds} rounds, {workers or 'no'} workers")
    print(f"plain pytest: {base_us:.0f} us of CPU per test")
    for variant, costs in extra.items():
        middle = statistics.median(costs)
        print(
            f"  {variant:<20} {middle:+7.1f} us per test  ({min(costs):+.1f} .. {max(costs):+.1f})"
            f"  ratio {1 + middle / base_us:.3f}"
        )
    return {variant: statistics.median(costs) for variant, costs in extra.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()
    measure(given.rounds, given.workers)
