"""Drafts: the arguments of a recording call, made into the body of an event, once.

Cleaned, merged with what the parent hands down, offered to the hooks, redacted and cut to the
limits before anything is written; nobody looks at it again later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from execmeta.hooks.manager import Plugins
from execmeta.model.clock import wall_us
from execmeta.model.execution import STATUS_RANK, TOP_KINDS, ErrorInfo, IteratorContext, Json
from execmeta.model.fold import ENDED_RANK
from execmeta.model.ids import ExecutionId, new_id
from execmeta.model.limits import (
    MAX_ATTRIBUTES,
    MAX_KEYS,
    MAX_METADATA_BYTES,
    MAX_NAME_CHARS,
)
from execmeta.model.metadata import USER, clean_key, merge_sources
from execmeta.model.values import TRUNCATED
from execmeta.recording.context import Context
from execmeta.recording.encoding import encode, quote
from execmeta.recording.fields import (
    attempt_of,
    error_of,
    flags_of,
    id_of,
    iterator_of,
    links_of,
    seconds_of,
    text_of,
    time_of,
)
from execmeta.recording.heritage import Heritage, Heritages
from execmeta.recording.maps import Maps, Note
from execmeta.recording.redaction import Redactor

if TYPE_CHECKING:
    from execmeta.settings import Settings

ADAPTER: Final = "adapter"
_SOURCES: Final = frozenset({"env", "config", ADAPTER})
_MAX_KIND_CHARS: Final = 100
_MAX_AUTHOR_CHARS: Final = 200
_BEFORE_START: Final = "execmeta_before_start"


@dataclass(slots=True)
class Draft:
    """An execution before it is recorded, as the hook `execmeta_before_start` sees it."""

    kind: str
    name: str
    execution_id: str | None = None
    parent: Context | None = None
    metadata: Any = None
    """For a hook a dict, inherited keys included; before that as the caller gave it."""
    sources: Mapping[str, str] | None = None
    attributes: Any = None
    """For a hook a dict; before that as the caller gave it."""
    iterator: IteratorContext | None = None
    external_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    attempt: int = 1
    owner: str = "process"
    started_at: int | None = None
    status: str | None = None
    """None: it runs now."""
    ended_at: int | None = None
    duration_s: float | None = None
    error: ErrorInfo | None = None
    flags: Iterable[str] = ()


class Started(NamedTuple):
    """A start event without its order key, and what the caller goes on with."""

    id: ExecutionId
    root_id: ExecutionId
    depth: int
    kind: str
    at: int
    body: str
    """JSON."""
    metadata: dict[str, Json]
    stays_open: bool
    """It becomes lost when this process dies without telling its end."""
    truncated: bool

    def context(self, hlc: int) -> Context:
        """What its children get."""
        return Context(
            self.id, self.root_id, self.depth, self.kind, hlc, self.metadata, "", self.truncated
        )


class Drafter:
    """Makes bodies of events by the settings and plug-ins of one recorder."""

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        note: Note,
        facts: Callable[[], Mapping[str, Json]],
        seen: Callable[[str], None],
    ) -> None:
        """
        Args:
            note: told what was dropped or cut.
            facts: attributes of the surroundings, for executions that begin a tree.
            seen: told every metadata key once.
        """
        self._plugins = plugins
        self._note = note
        self._facts = facts
        self._reserved = settings.reserved_prefixes
        self._redactor = Redactor(
            allow=settings.redact.allow, patterns=settings.redact.patterns, plugins=plugins
        )
        self._metadata = Maps(self._redactor, self._reserved, MAX_KEYS, note, seen)
        self._attributes = Maps(self._redactor, (), MAX_ATTRIBUTES, note)
        self._heritages = Heritages(self._metadata)

    def started(self, draft: Draft) -> Started:
        """The start event of `draft`, whole with its end when that is told.

        Raises:
            ValueError: the status is none.
        """
        at = wall_us()
        parent = draft.parent
        flags = set(draft.flags)
        started_at = time_of(draft.started_at, flags)
        found = self._id(draft.execution_id, started_at)
        kind = text_of(draft.kind, _MAX_KIND_CHARS, flags) or "function"
        heritage = self._heritages.of(parent)
        flags |= heritage.flags
        added: Mapping[str, Any] = {}
        if self._plugins.has_impl(_BEFORE_START):
            added = self._asked(draft, heritage, flags)
        metadata, said, sources = self._merged(draft, added, heritage, flags)
        name = self._redactor.redact_text(text_of(draft.name, MAX_NAME_CHARS, flags))
        life, stays_open = self._life(draft, started_at if started_at != at else None, flags)
        top = draft.owner != "host" and (parent is None or kind in TOP_KINDS)
        rest = self._rest(draft, self._facts() if top else {}, flags)
        # By hand, because most of it is encoded already: half the price of one large dict.
        body = f'{{"kind":{quote(kind)},"name":{quote(name)}{heritage.place}{life}'
        if rest:
            body += f",{encode(rest)[1:-1]}"
        if said:
            body += f',"metadata":{said}'
        if sources:
            body += f',"sources":{sources}'
        body += "}"
        depth, root = (0, found) if parent is None else (parent.depth + 1, parent.root_id)
        cut = TRUNCATED in heritage.flags
        return Started(found, root, depth, kind, at, body, metadata, stays_open, cut)

    def finished(
        self,
        status: str,
        *,
        attempt: int,
        ended_at: int | None,
        duration_s: float | None,
        attributes: Mapping[str, Json] | None,
        error: ErrorInfo | None,
        flags: Iterable[str],
        trace_id: str | None,
        span_id: str | None,
    ) -> str:
        """Body of the event that tells an end.

        Raises:
            ValueError: the status is none of an end.
        """
        if STATUS_RANK.get(status) != ENDED_RANK:
            raise ValueError(f"an execution does not end with the status {status!a}")
        body: dict[str, Json] = {"status": status}
        said = set(flags)
        ended = time_of(ended_at, said)
        if ended is not None:
            body["ended"] = ended
        if (duration := seconds_of(duration_s)) is not None:
            body["duration"] = duration
        if attempt != 1:
            body["attempt"] = attempt_of(attempt)
        if error is not None:
            body["error"] = error_of(error, self._redactor, said)
        body.update(links_of(None, trace_id, span_id, said))
        if attributes and (kept := self._attributes.clean(attributes, said)):
            body["attributes"] = kept
        if said:
            body["flags"] = flags_of(said)
        return encode(body)

    def edited(self, new: Mapping[str, Json], unset: Iterable[str], by: str) -> str | None:
        """Body of the event of an edit; None when nothing legal is left of it."""
        flags: set[str] = set()
        kept = self._metadata.clean(new, flags)
        gone: list[Json] = []
        for key in unset:
            normal, reason = clean_key(key, self._reserved)
            if normal is None:
                self._note(reason, 1)
            else:
                gone.append(normal)
        if not kept and not gone:
            return None
        body: dict[str, Json] = {}
        if kept:
            body["set"] = kept
        if gone:
            body["unset"] = gone
        if by:
            body["by"] = self._redactor.redact_text(text_of(by, _MAX_AUTHOR_CHARS, flags))
        return encode(body)

    def _asked(self, draft: Draft, heritage: Heritage, flags: set[str]) -> dict[str, Any]:
        """Keys that plug-ins add; an earlier answer wins over a later one."""
        own = self._metadata.clean(draft.metadata, flags)
        known = {**heritage.metadata, **own}
        draft.metadata = dict(known)
        draft.attributes = self._attributes.clean(draft.attributes, flags)
        added: dict[str, Any] = {}
        for plugin, answer in self._plugins.call(_BEFORE_START, draft=draft):
            if not isinstance(answer, Mapping):
                reason = f"answered {type(answer).__name__}, not a map"
                self._plugins.refuse(plugin, _BEFORE_START, reason)
                continue
            for key, value in answer.items():
                if key not in known:
                    added.setdefault(key, value)
        draft.metadata = own
        return added

    def _merged(
        self, draft: Draft, added: Mapping[str, Any], heritage: Heritage, flags: set[str]
    ) -> tuple[dict[str, Json], str, str]:
        """(effective map, its JSON, JSON of its sources); empty texts for empty maps."""
        if not draft.metadata and not added:
            return heritage.metadata, heritage.text, heritage.sources
        own = self._metadata.clean(draft.metadata, flags)
        inherited = heritage.metadata
        if (
            not added
            and not draft.sources
            and len(own) + len(inherited) <= MAX_KEYS
            and own.keys().isdisjoint(inherited)
        ):
            text = encode(own)
            # ASCII text is never shorter than the UTF-8 that the limit counts.
            if len(text) + len(heritage.text) <= MAX_METADATA_BYTES:
                both = f"{text[:-1]},{heritage.text[1:]}" if own and inherited else ""
                return {**own, **inherited}, both or text, heritage.sources
        extra = self._metadata.clean(added, flags)
        merged = merge_sources([(USER, own), (ADAPTER, extra), (heritage.source, inherited)])
        for reason, number in merged.dropped.items():
            self._note(reason, number)
            flags.add(TRUNCATED)
        said = draft.sources or {}
        sources = {key: said[key] for key in own if said.get(key) in _SOURCES}
        sources.update(merged.sources)
        metadata = merged.metadata
        return metadata, encode(metadata) if metadata else "", encode(sources) if sources else ""

    def _life(self, draft: Draft, started_at: int | None, flags: set[str]) -> tuple[str, bool]:
        """(members of times and status, each with a comma before it; whether it stays open)."""
        status = draft.status
        rank = STATUS_RANK.get("running" if status is None else status)
        if rank is None:
            raise ValueError(f"{status!a} is no status")
        text = "" if started_at is None else f',"started":{started_at}'
        if status is not None:
            text += f',"status":"{status}"'
        if rank != ENDED_RANK:
            return text, draft.owner != "host"
        ended = time_of(draft.ended_at, flags)
        if ended is not None:
            text += f',"ended":{ended}'
        duration = seconds_of(draft.duration_s)
        if duration is not None:
            text += f',"duration":{duration!r}'
        return text, False

    def _rest(self, draft: Draft, facts: Mapping[str, Json], flags: set[str]) -> dict[str, Json]:
        """Members that most executions have not, and the attributes."""
        rest: dict[str, Json] = {}
        if draft.error is not None:
            rest["error"] = error_of(draft.error, self._redactor, flags)
        if draft.owner == "host":
            rest["owner"] = "host"
        if draft.attempt != 1:
            rest["attempt"] = attempt_of(draft.attempt)
        if draft.iterator is not None:
            rest["iterator"] = iterator_of(draft.iterator, self._redactor, flags)
        if draft.external_id is not None or draft.trace_id is not None or draft.span_id is not None:
            rest.update(links_of(draft.external_id, draft.trace_id, draft.span_id, flags))
        if draft.attributes or facts:
            kept = self._attributes.clean(draft.attributes, flags)
            if facts:
                kept = self._attributes.clean({**kept, **{**facts, **kept}}, flags)
            if kept:
                rest["attributes"] = kept
        if flags:
            rest["flags"] = flags_of(flags)
        return rest

    def _id(self, given: str | None, started_at: int | None) -> ExecutionId:
        found = None if given is None else id_of(given)
        if found is None:
            if given is not None:
                self._note("invalid_id", 1)
            found = new_id(started_at)
        return found
