"""Executions, their edits, the search index and the notes of the drainer."""

from textwrap import dedent

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MAKE = (
    """
    CREATE TABLE execution (
        tid INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        parent_tid INTEGER,
        root_tid INTEGER,
        kind TEXT,
        name TEXT,
        status TEXT,
        started_at INTEGER,
        ended_at INTEGER,
        duration_s REAL,
        attempt INTEGER,
        depth INTEGER,
        metadata TEXT,
        attributes TEXT,
        sources TEXT,
        iterator TEXT,
        error TEXT,
        flags TEXT,
        external_id TEXT,
        trace_id BLOB,
        span_id BLOB,
        hlc INTEGER,
        wid INTEGER,
        seq INTEGER,
        end_hlc INTEGER,
        end_wid INTEGER,
        end_seq INTEGER,
        owner INTEGER,
        fold TEXT
    )
    """,
    "CREATE INDEX e_root ON execution (root_tid) WHERE root_tid IS NOT NULL",
    "CREATE INDEX e_parent ON execution (parent_tid) WHERE parent_tid IS NOT NULL",
    "CREATE INDEX e_external ON execution (external_id) WHERE external_id IS NOT NULL",
    """
    CREATE INDEX e_open ON execution (coalesce(end_wid, wid))
        WHERE ended_at IS NULL AND kind IS NOT NULL
    """,
    """
    CREATE TABLE edit (
        tid INTEGER NOT NULL,
        hlc INTEGER NOT NULL,
        wid INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        key TEXT NOT NULL,
        value TEXT,
        at INTEGER NOT NULL,
        "by" TEXT NOT NULL,
        PRIMARY KEY (tid, hlc, wid, seq, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE kv (
        key TEXT NOT NULL,
        vtype TEXT NOT NULL,
        value_text TEXT NOT NULL,
        value_num REAL,
        id INTEGER NOT NULL,
        PRIMARY KEY (key, vtype, value_text)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX kv_num ON kv (key, value_num) WHERE value_num IS NOT NULL",
    """
    CREATE TABLE kv_key (
        key TEXT PRIMARY KEY,
        n INTEGER NOT NULL DEFAULT 0,
        capped INTEGER NOT NULL DEFAULT 0,
        rows INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE block (
        high INTEGER PRIMARY KEY,
        n INTEGER NOT NULL,
        tids BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE bitmap (
        token TEXT NOT NULL,
        high INTEGER NOT NULL,
        bits BLOB NOT NULL,
        PRIMARY KEY (token, high)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE segment (
        name TEXT PRIMARY KEY,
        offset INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE property (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE VIRTUAL TABLE tok USING fts5(
        t, content='', detail='none', columnsize=0, tokenize='ascii'
    )
    """,
    "INSERT INTO tok (tok, rank) VALUES ('automerge', 8)",
    "INSERT INTO property (name, value) VALUES ('index', '1.0')",
)
_TABLES = ("tok", "bitmap", "block", "property", "segment", "kv_key", "kv", "edit", "execution")


def upgrade() -> None:
    """Make all tables."""
    for statement in _MAKE:
        op.execute(dedent(statement).strip())


def downgrade() -> None:
    """Remove all tables, with everything recorded."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
