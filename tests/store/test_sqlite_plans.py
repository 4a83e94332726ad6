"""SQLite does what the plan says: every statement of a read goes through an index."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from execmeta.filters.binder import bind_query
from execmeta.filters.query import Query
from execmeta.model.event import STARTED, Event
from execmeta.model.ids import ExecutionId, new_id
from execmeta.store.base import Store
from execmeta.store.opening import open_store
from execmeta.store.resolving import resolve
from execmeta.store.sql import facets, sealing, trees
from execmeta.store.sql.reader import Reader
from execmeta.store.sql.reads import Search
from execmeta.store.sql.seek import References

START_US = 1_770_000_000_000_000
IDS = [new_id(START_US + number * 1_000_000) for number in range(80)]
TOP, LEAF = IDS[0], IDS[5]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with blocks, loose rows, a tree and every indexed column."""
    monkeypatch.setattr(sealing, "BLOCK_ROWS", 16)
    path = tmp_path / "plans.db"
    store = open_store(f"sqlite:///{path}")
    store.apply([started(number, name) for number, name in enumerate(IDS)])
    store.close()
    return path


def started(number: int, execution_id: ExecutionId) -> Event:
    at = START_US + number * 1_000_000
    body = {
        "kind": "test" if number else "session",
        "name": f"case {number}",
        "started": at,
        "ended": at + number,
        "status": "success",
        "metadata": {"env": "prod", "odd": number % 2 == 1, "n": number, f"own-{number}": 1},
        "external_id": f"job-{number}",
        "trace_id": f"{number + 1:032x}",
    }
    if number:
        body |= {"parent": TOP, "root": TOP, "depth": 1}
    return Event(STARTED, execution_id, (number + 1, 1, 1), at, body)


def steps(path: Path, read: Callable[[object], object]) -> set[str]:
    """What SQLite does for the statements of a read, one line per table that it looks into."""
    statements: list[str] = []
    with Reader(path).snapshot() as connection:
        connection.set_trace_callback(statements.append)
        read(connection)
        connection.set_trace_callback(None)
        return {
            detail
            for statement in statements
            if re.match(r"SELECT|WITH", statement) and "tok_" not in statement  # FTS5's own
            for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        }


def listing(text: str, **query: object) -> Callable[[object], object]:
    bound = bind_query(text, scope="all", resolver=lambda ref: ExecutionId(ref))
    asked = Query(bound.filter, bound.text, limit=5, **query)  # type: ignore[arg-type]
    return lambda connection: Search.of(connection, asked, "").page()  # type: ignore[arg-type]


READS = {
    "everything": (listing(""), "e USING INTEGER PRIMARY KEY"),
    "oldest first": (listing("", sort="started"), "execution USING INTEGER PRIMARY KEY"),
    "one word": (listing("own-7=1"), "tok VIRTUAL TABLE INDEX"),
    "in blocks": (listing("env=prod odd=true"), "bitmap USING PRIMARY KEY (token=?"),
    "a not": (listing("not env=prod"), "bitmap USING PRIMARY KEY (token=?"),
    "rare and frequent": (listing("own-7=1 env=prod"), "block USING INTEGER PRIMARY KEY"),
    "range": (listing("n>=70"), "kv USING INDEX kv_num (key=? AND value_num>?)"),
    "glob": (listing("name~='case 1*'"), "kv USING PRIMARY KEY (key=? AND vtype=? AND value_text>"),
    "range of text": (listing("name>='case 5'"), "kv USING PRIMARY KEY (key=? AND vtype=? AND"),
    "column": (listing("duration>0"), "e USING INTEGER PRIMARY KEY"),
    "parent": (listing(f"parent={TOP}"), "execution USING COVERING INDEX e_parent (parent_tid=?)"),
    "root": (listing(f"root={TOP}"), "execution USING COVERING INDEX e_root (root_tid=?)"),
    "under": (listing(f"under={TOP}"), "e USING COVERING INDEX e_parent (parent_tid=?)"),
    "id": (listing(f"id={LEAF}"), "execution USING INTEGER PRIMARY KEY"),
    "external id": (listing("external_id=job-7"), "e_external (external_id=?)"),
    "trace": (listing(f"trace_id={8:032x}"), "tok VIRTUAL TABLE INDEX"),
    "get": (lambda c: trees.get(c, LEAF, ""), "execution USING INTEGER PRIMARY KEY"),
    "children": (lambda c: trees.children(c, TOP, ""), "e_parent (parent_tid=?)"),
    "subtree": (lambda c: trees.subtree(c, TOP, 100, ""), "e_parent (parent_tid=?)"),
    "history": (lambda c: trees.history(c, LEAF, ""), "e USING INTEGER PRIMARY KEY"),
    "latest": (lambda c: resolve(References(c), "latest"), "tok VIRTUAL TABLE INDEX"),
    "ending": (lambda c: resolve(References(c), LEAF[-12:]), "tok VIRTUAL TABLE INDEX"),
    "key names": (facets.key_names, "kv_key USING PRIMARY KEY (key>? AND key<?)"),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_uses_its_index_and_sorts_nothing(path: Path, name: str) -> None:
    read, expected = READS[name]

    found = steps(path, read)  # type: ignore[arg-type]

    assert any(expected in step for step in found), sorted(found)
    tables = "execution e p r tok kv kv_key bitmap edit property".split()
    scans = {step.split()[1] for step in found if step.startswith("SCAN") and "VIRTUAL" not in step}
    assert scans.isdisjoint(tables), sorted(found)
    assert not [step for step in found if "TEMP B-TREE" in step]


def test_a_long_lived_reader_sees_every_commit(tmp_path: Path) -> None:
    reader: Store = open_store(f"sqlite:///{tmp_path}/live.db")
    writer: Store = open_store(f"sqlite:///{tmp_path}/live.db")

    for number in range(5):
        writer.apply([started(number, IDS[number])])
        assert reader.list(Query()).total == number + 1
        assert reader.get(IDS[number]).name == f"case {number}"

    writer.close()
    reader.close()


def test_a_file_that_was_replaced_is_opened_anew(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/moved.db")
    store.apply([started(0, IDS[0])])
    assert store.list(Query()).total == 1

    for file in tmp_path.glob("moved.db*"):
        file.unlink()

    assert store.list(Query()).total == 0
    store.apply([started(1, IDS[1]), started(2, IDS[2])])
    assert store.list(Query()).total == 2
