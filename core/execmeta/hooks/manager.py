"""Plugins: loads the entry points of group `execmeta` and calls their hooks behind a fence."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from execmeta.hooks import specs

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

REDACTOR_FAILED: Final = "[redacted:error]"
"""What stands for a value whose redactor raised."""

_log = logging.getLogger("execmeta")


class PluginInfo(NamedTuple):
    """One plug-in, for `execmeta doctor`."""

    name: str
    distribution: str | None
    """`name version` of the package that brought it."""
    hooks: tuple[str, ...]
    failures: int
    """Calls that raised, and a failed import."""
    problem: str | None
    """Why it is not in use: blocked, or the error of its import."""


class _Impl(NamedTuple):
    plugin: str
    function: Callable[..., Any]
    argnames: tuple[str, ...]


class Plugins:
    """The plug-ins of one process. Built on first use; none of its calls raises an Exception."""

    def __init__(self, *, blocked: frozenset[str] = frozenset(), discover: bool = True) -> None:
        """`discover`: load the installed entry points; otherwise only what is registered."""
        import pluggy  # only once somebody records or reads

        self.failures: Counter[str] = Counter()
        """Plug-in name to the number of its calls that raised."""
        self._problems: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        self._impls: dict[str, tuple[_Impl, ...]] = {}
        if discover:
            for entry in _installed():
                self._load(entry, blocked)

    def _load(self, entry: EntryPoint, blocked: frozenset[str]) -> None:
        if entry.dist is not None:
            self._packages[entry.name] = f"{entry.dist.name} {entry.dist.version}"
        if entry.name in blocked:
            self._problems[entry.name] = "blocked by settings"
            return
        try:
            self.register(entry.load(), entry.name)
        except Exception as error:  # this plug-in adds nothing; it is named and counted
            self._fail(entry.name, "import", error)
            self._problems[entry.name] = f"{type(error).__name__}: {error}"

    def register(self, plugin: object, name: str) -> None:
        """Add a plug-in object. Raises pluggy's errors for a wrong signature or a name in use."""
        self._manager.register(plugin, name)
        try:
            self._manager.check_pending()
        except Exception:
            self._manager.unregister(name=name)
            raise
        self._impls.clear()

    def has(self, hook: str) -> bool:
        """Whether any plug-in implements `hook`: a call without one costs a look-up."""
        return bool(self._implementations(hook))

    def call(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """(plug-in, result) of each implementation that returns something, last registered
        first. An implementation that raises gives nothing; the others are still called."""
        for impl in self._implementations(hook):
            try:
                result = impl.function(*[arguments[name] for name in impl.argnames])
            except Exception as error:  # this one call's result is lost, and counted
                self._fail(impl.plugin, hook, error)
                continue
            if result is not None:
                yield impl.plugin, result

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call every implementation for its effect."""
        for _ in self.call(hook, **arguments):
            pass

    def redact(self, key: str, value: Any) -> Any:
        """The first replacement for a value, None when no plug-in claims it."""
        for impl in self._implementations("execmeta_redact"):
            arguments = {"key": key, "value": value}
            try:
                result = impl.function(*[arguments[name] for name in impl.argnames])
            except Exception as error:  # the value is dropped: it may be the secret itself
                self._fail(impl.plugin, "execmeta_redact", error)
                return REDACTOR_FAILED
            if result is not None:
                return result
        return None

    def describe(self) -> tuple[PluginInfo, ...]:
        """All plug-ins by name, those that are not in use included."""
        names = {name for name, _ in self._manager.list_name_plugin()} | set(self._problems)
        return tuple(
            PluginInfo(
                name=name,
                distribution=self._packages.get(name),
                hooks=self._hooks_of(name),
                failures=self.failures[name],
                problem=self._problems.get(name),
            )
            for name in sorted(names)
        )

    def _hooks_of(self, name: str) -> tuple[str, ...]:
        plugin = self._manager.get_plugin(name)
        callers = self._manager.get_hookcallers(plugin) if plugin is not None else None
        return tuple(sorted(caller.name for caller in callers or ()))

    def _implementations(self, hook: str) -> tuple[_Impl, ...]:
        found = self._impls.get(hook)
        if found is None:
            caller = getattr(self._manager.hook, hook)
            # Called one by one, not through pluggy: one that raises would end the call of all.
            found = self._impls[hook] = tuple(
                _Impl(impl.plugin_name, impl.function, impl.argnames)
                for impl in reversed(caller.get_hookimpls())
                if not impl.hookwrapper and not impl.wrapper
            )
        return found

    def _fail(self, plugin: str, hook: str, error: Exception) -> None:
        self.failures[plugin] += 1
        if self.failures[plugin] == 1:
            _log.warning(
                "Plug-in %s failed in %s: %s. It goes on without it; later failures are only "
                "counted (execmeta doctor).",
                plugin,
                hook,
                f"{type(error).__name__}: {error}",
            )


def _installed() -> list[EntryPoint]:
    from importlib.metadata import entry_points  # scans every installed package: once, when asked

    return list(entry_points(group=specs.PROJECT))
