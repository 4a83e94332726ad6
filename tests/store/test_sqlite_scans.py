"""What the index cannot answer is read row by row, within bounds, and never given up in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from execmeta.filters.binder import bind_query
from execmeta.filters.query import Query
from execmeta.model.event import STARTED, Event
from execmeta.model.ids import new_id
from execmeta.store.base import Store
from execmeta.store.opening import open_store
from execmeta.store.sql import dictionary, reads, walk

START_US = 1_770_000_000_000_000
ROWS = 1_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Execution `n` took n seconds, has n in several shapes, and every 100th is marked."""
    store = open_store(f"sqlite:///{tmp_path}/scan.db")
    events = []
    for n in range(ROWS):
        at = START_US + n * 1_000_000
        body = {
            "kind": "command",
            "name": f"run {n}",
            "status": "success",
            "ended": at + n * 1_000_000,
            "metadata": {"n": n, "mark": n % 100 == 0, "list": [n, -n], "text": f"t{n:04d}"},
        }
        events.append(Event(STARTED, new_id(at), (1, 1, n), at, body))
    store.apply(events)
    return store


def numbers(store: Store, query: Query) -> tuple[list[int], list[bool]]:
    """All matches page by page, and which pages were cut."""
    found: list[int] = []
    cut = []
    while True:
        page = store.list(query)
        found += [int(str(execution.metadata["n"])) for execution in page.executions]
        cut.append(page.scan_truncated)
        if page.next_cursor is None:
            return found, cut
        query = replace(query, cursor=page.next_cursor)


@pytest.mark.parametrize("sort", ["-started", "started"])
def test_a_cut_scan_goes_on_where_it_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(reads, "SCAN_CAP", 100)
    monkeypatch.setattr(walk, "LARGEST_PIECE", 50)
    query = replace(bind_query("duration<30", scope="all"), sort=sort, limit=10)

    found, cut = numbers(store, query)

    assert found == sorted(range(30), reverse=sort == "-started")
    assert any(cut)
    assert not cut[-1]


def test_a_full_page_is_no_cut_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "SCAN_CAP", 100)
    query = replace(bind_query("duration>=0", scope="all"), limit=40)

    found, cut = numbers(store, query)

    assert found == list(reversed(range(ROWS)))
    assert not any(cut)


def test_counting_row_by_row_ends_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = replace(bind_query("duration>=0", scope="all"), limit=5)
    assert store.count(query) == (ROWS, False)

    monkeypatch.setattr(reads, "COUNT_BUDGET", 100)
    page = store.list(query)

    assert page.total_capped
    assert 5 < page.total <= 600


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("n>=10 n<13", [12, 11, 10]),
        ("n>996", [999, 998, 997]),
        ("n<400 n>2 mark=true", [300, 200, 100]),
        ("n>=3 n<900 n<5", [4, 3]),
        ("list>=998 list<=-998", [999, 998]),
        ("text>=t0500 text<t0502", [501, 500]),
        ("text~=t0* text~=*77 mark=false", [977, 877, 777, 677, 577, 477, 377, 277, 177, 77]),
        ("text~=t099? n<992", [991, 990]),
        ("not n>=2", [1, 0]),
        ("n in (5, 7) or n<2", [7, 5, 1, 0]),
    ],
)
@pytest.mark.parametrize("dictionary_size", [200_000, 300])
def test_ranges_and_globs_with_and_without_the_dictionary(
    monkeypatch: pytest.MonkeyPatch,
    dictionary_size: int,
    text: str,
    wanted: list[int],
    request: pytest.FixtureRequest,
) -> None:
    # Before the store is filled: a smaller one is not complete.
    monkeypatch.setattr(dictionary, "MAX_VALUES", dictionary_size)
    store = request.getfixturevalue("store")
    query = replace(bind_query(text, scope="all"), limit=3)

    found, cut = numbers(store, query)

    assert found == wanted
    assert not any(cut)
    assert store.count(query) == (len(wanted), False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"n in ({', '.join(map(str, range(0, 600, 2)))})", list(range(0, 600, 2))),
        ("n>0", list(range(1, ROWS))),
        ("not n>0", [0]),
        ("not n in (0, 1) n<5", [2, 3, 4]),
    ],
)
def test_many_values_at_once(store: Store, text: str, wanted: list[int]) -> None:
    query = replace(bind_query(text, scope="all"), limit=1000)

    found, _ = numbers(store, query)

    assert found == wanted[::-1]
