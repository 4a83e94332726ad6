"""Parameters, markers and tags of tests, alone and with two workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.pytest.recorded import Recorded, run_in

SUITE = {
    "test_facts.py": """
        import enum
        import pathlib
        import pytest

        class Colour(enum.Enum):
            RED = 1

        class Nasty:
            def __repr__(self): raise RuntimeError("no repr")

        class Evil(dict):
            pass

        @pytest.mark.parametrize("n", [10, 20, 30])
        def test_numbers(n): pass

        @pytest.mark.parametrize("b", ["x", None])
        @pytest.mark.parametrize("a", [1, 2.5])
        def test_two(a, b): pass

        @pytest.mark.parametrize(
            "value",
            [pytest.param(object(), id="an-object"), Colour.RED, Nasty(), pathlib.Path("a/b"),
             {"k": [1, object()]}, range(3), float("inf"), 2**70, "nul\\0", "\\ud800", b"\\xff"],
        )
        def test_any_value(value): pass

        @pytest.mark.parametrize(("left", "right"), [(Nasty(), 1)])
        def test_nasty_beside_a_number(left, right): pass

        class TestGroup:
            @pytest.mark.parametrize("n", [1, 2])
            def test_numbers(self, n): pass

        @pytest.mark.slow
        @pytest.mark.needs("db", level=3)
        def test_marked(): pass

        @pytest.mark.exec_meta(owner="team", level=1)
        class TestOwned:
            @pytest.mark.exec_meta(level=2)
            def test_nearest_marker_wins(self): pass

            @pytest.mark.exec_meta({"cost.centre": 7}, ok=True)
            def test_mapping(self): pass

            def test_tag_over_marker(self, exec_meta):
                exec_meta(owner="me", model="small")
                exec_meta["run.seed"] = 7

        @pytest.fixture
        def model(exec_meta):
            exec_meta(model="large")
            yield
            exec_meta(freed=True)

        def test_fixture_tags(model): pass

        def test_bad_tags(exec_meta, record_property):
            record_property("mine", "1")
            exec_meta({"bad key!": 1, "fine": object(), 5: 6}, __secret=1)

        def test_session_tag(exec_session):
            exec_session(build=7)
            exec_session["worker"] = {"nested": [1]}

        @pytest.fixture(scope="session", autouse=True)
        def goodbye(exec_session):
            yield
            exec_session(goodbye=True)
    """,
    "pytest.ini": """
        [pytest]
        markers =
            slow: takes long
            needs: needs something
    """,
}


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["alone", "two workers"])
def recorded(request: pytest.FixtureRequest, new_place: Callable[[], Path]) -> Recorded:
    place = new_place()
    junit = f"--junitxml={place / 'junit.xml'}"
    recorded = run_in(place, SUITE, "--exec-meta", "a=1", "--strict-markers", junit, *request.param)
    assert recorded.code == 0, recorded.out + recorded.err
    return recorded


def places(recorded: Recorded, function: str) -> list[tuple[object, object, object]]:
    rows = [row for row in recorded.tests if f"{function}[" in row["name"]]
    found = [row["iterator"] for row in rows]
    return sorted(((i["index"], i["count"], i["item"]) for i in found), key=lambda place: place[0])


def test_parametrised_tests_know_their_place(recorded: Recorded) -> None:
    assert places(recorded, "test_facts.py::test_numbers") == [
        (0, 3, {"n": 10}),
        (1, 3, {"n": 20}),
        (2, 3, {"n": 30}),
    ]
    assert places(recorded, "TestGroup::test_numbers") == [(0, 2, {"n": 1}), (1, 2, {"n": 2})]


def test_stacked_parameters_are_one_loop(recorded: Recorded) -> None:
    found = places(recorded, "::test_two")

    assert [place[:2] for place in found] == [(index, 4) for index in range(4)]
    items = [place[2] for place in found]
    assert sorted(items, key=str) == sorted(
        [{"a": a, "b": b} for a in (1, 2.5) for b in ("x", None)], key=str
    )


def test_any_parameter_is_named_without_running_its_code(recorded: Recorded) -> None:
    items = [place[2]["value"] for place in places(recorded, "::test_any_value")]

    assert items[0] == "an-object"
    assert items[4] == {"k": [1, "<unserialisable object>"]}
    assert not any(" at 0x" in str(item) for item in items)
    assert len(items) == 11


def test_value_without_a_word_of_its_own_is_a_type(recorded: Recorded) -> None:
    ((_, _, item),) = places(recorded, "::test_nasty_beside_a_number")

    assert item == {"left": "<unserialisable Nasty>", "right": 1}


def test_plain_test_has_no_place(recorded: Recorded) -> None:
    assert recorded.test("::test_marked")["iterator"] is None


def test_markers_are_named_nearest_first(recorded: Recorded) -> None:
    assert recorded.test("::test_marked")["attributes"]["pytest.markers"] == ["needs", "slow"]
    assert "pytest.markers" not in recorded.test("::test_fixture_tags")["attributes"]


def tags(recorded: Recorded, name: str) -> dict[str, object]:
    return {k: v for k, v in recorded.test(name)["metadata"].items() if k != "a"}


def test_nearest_marker_wins(recorded: Recorded) -> None:
    assert tags(recorded, "::test_nearest_marker_wins") == {"owner": "team", "level": 2}
    assert tags(recorded, "::test_mapping") == {
        "owner": "team",
        "level": 1,
        "cost.centre": 7,
        "ok": True,
    }


def test_tag_of_the_test_wins_over_its_marker(recorded: Recorded) -> None:
    assert tags(recorded, "::test_tag_over_marker") == {
        "owner": "me",
        "level": 1,
        "model": "small",
        "run.seed": 7,
    }


def test_fixture_may_tag_until_the_end(recorded: Recorded) -> None:
    assert tags(recorded, "::test_fixture_tags") == {"model": "large", "freed": True}


def test_bad_tag_is_left_out_and_the_test_goes_on(recorded: Recorded) -> None:
    row = recorded.test("::test_bad_tags")

    assert row["status"] == "success"
    assert tags(recorded, "::test_bad_tags") == {"fine": "<unserialisable object>"}


def test_session_is_tagged_by_a_test_and_by_a_late_fixture(recorded: Recorded) -> None:
    assert recorded.session["metadata"] == {
        "a": "1",
        "build": 7,
        "worker": {"nested": [1]},
        "goodbye": True,
    }


def test_junitxml_sees_nothing_of_it(recorded: Recorded) -> None:
    text = (recorded.place / "junit.xml").read_text(encoding="utf-8")

    assert "execmeta" not in text
    assert '<property name="mine" value="1" />' in text


def test_place_does_not_depend_on_what_was_asked_for(run: Callable[..., Recorded]) -> None:
    recorded = run(SUITE, "--exec-meta", "a=1", "test_facts.py::test_numbers[20]")

    assert places(recorded, "::test_numbers") == [(1, 3, {"n": 20})]
