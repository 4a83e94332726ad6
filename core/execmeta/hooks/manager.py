"""Plugins: finds plug-ins, calls their hooks one by one, and keeps their failures from
everybody else."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import pluggy

GROUP: Final = "execmeta"
"""Entry-point group, and the name of the pluggy project."""
_PREFIX: Final = "execmeta_"
_OWN: Final = "execmeta"
"""Distribution whose plug-ins may miss an extra without anybody having done something wrong."""

_log = logging.getLogger("execmeta")


class First(NamedTuple):
    """Answer of a hook of which the first result counts."""

    result: Any
    """None: nobody answered."""
    failed: bool
    """Whether a plug-in raised before there was an answer."""


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plug-in as `execmeta doctor` shows it."""

    name: str
    version: str | None
    """Of its distribution; None for one that was registered in the program."""
    hooks: tuple[str, ...]
    """Names without the prefix, sorted; empty when it could not be loaded."""
    failures: int
    """How often it raised in this process."""
    refused: str | None = None
    """Why it is not used: blocked by a setting, or the error of loading it."""


def _installed() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # reads the installation; not before it is needed

    return entry_points(group=GROUP)


class Plugins:
    """Plug-ins of one process. Nothing is looked for before the first hook is asked about, and
    pluggy is imported only where there is a plug-in.

    No method raises because of a plug-in; KeyboardInterrupt and SystemExit pass.
    """

    def __init__(
        self,
        *,
        blocked: Collection[str] = (),
        entry_points: Callable[[], Iterable[EntryPoint]] = _installed,
    ) -> None:
        """
        Args:
            blocked: names of entry points that are not loaded.
            entry_points: where plug-ins are found.
        """
        self.failures: Counter[str] = Counter()
        """Plug-in to number of times it raised."""
        self._blocked = frozenset(blocked)
        self._entry_points = entry_points
        self._pending: list[tuple[str, object]] = []
        self._hooks: pluggy.PluginManager | None = None
        self._searched = False
        self._versions: dict[str, str | None] = {}
        self._refused: dict[str, str] = {}
        self._told: set[str] = set()
        self._impls: dict[str, list[pluggy.HookImpl]] = {}

    def register(self, plugin: object, name: str | None = None) -> None:
        """Add a plug-in of this program: a module or an object with hook methods."""
        found = name or getattr(plugin, "__name__", None) or type(plugin).__name__
        self._impls.clear()
        if not self._searched:
            self._pending.append((found, plugin))
        else:
            self._add(found, plugin, None)

    def has_impl(self, hook: str) -> bool:
        """Whether any plug-in takes part in `execmeta_before_start` or another hook; costs one
        look-up after the first time."""
        impls = self._impls.get(hook)
        return bool(self._found(hook) if impls is None else impls)

    def call(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """(plug-in, answer) of all that answered something else than None, last registered first.

        A plug-in that raises is left out of the answer.
        """
        return [(name, result) for name, result, _ in self._answers(hook, arguments)]

    def first(self, hook: str, **arguments: Any) -> First:
        """The first answer that is not None; the plug-ins behind it are not asked."""
        before = self.failures.total()
        for _, result, failures in self._answers(hook, arguments):
            return First(result, failures > before)
        return First(None, self.failures.total() > before)

    def refuse(self, plugin: str, hook: str, reason: str) -> None:
        """Count an answer that cannot be used as a failure of the plug-in."""
        self._note(plugin, hook, reason)

    def describe(self) -> tuple[PluginInfo, ...]:
        """All plug-ins, those that are not used included, by name."""
        self._search()
        hooks: dict[str, list[str]] = {name: [] for name in self._versions}
        for hook in self._specified():
            for impl in self._found(hook):
                hooks[impl.plugin_name].append(hook.removeprefix(_PREFIX))
        return tuple(
            PluginInfo(
                name,
                self._versions[name],
                tuple(sorted(hooks[name])),
                self.failures[name],
                self._refused.get(name),
            )
            for name in sorted(self._versions)
        )

    def _answers(self, hook: str, arguments: dict[str, Any]) -> Iterator[tuple[str, Any, int]]:
        impls = self._impls.get(hook)
        for impl in self._found(hook) if impls is None else impls:
            try:
                result = impl.function(*[arguments[name] for name in impl.argnames])
            # Lost: this plug-in's part; counted under its name.
            except Exception as error:
                self._note(impl.plugin_name, hook, f"{type(error).__name__}: {error}")
                continue
            if result is not None:
                yield impl.plugin_name, result, self.failures.total()

    def _found(self, hook: str) -> list[pluggy.HookImpl]:
        """Implementations of a hook in the order of calling."""
        self._search()
        impls: list[pluggy.HookImpl] = []
        if self._hooks is not None:
            caller = getattr(self._hooks.hook, hook)
            impls = [
                impl
                for impl in reversed(caller.get_hookimpls())
                if not (impl.wrapper or impl.hookwrapper)
            ]
        self._impls[hook] = impls
        return impls

    def _specified(self) -> list[str]:
        if self._hooks is None:
            return []
        return sorted(name for name in vars(self._hooks.hook) if name.startswith(_PREFIX))

    def _search(self) -> None:
        if self._searched:
            return
        self._searched = True
        try:
            found = list(self._entry_points())
        # Lost: all installed plug-ins, where the installation's own records are damaged.
        except Exception as error:
            self._note("(entry points)", "load", f"{type(error).__name__}: {error}")
            found = []
        for entry_point in found:
            self._load(entry_point)
        for name, plugin in self._pending:
            self._add(name, plugin, None)
        self._pending.clear()

    def _load(self, entry_point: EntryPoint) -> None:
        name = entry_point.name
        distribution = entry_point.dist
        version = distribution.version if distribution else None
        if name in self._blocked:
            self._versions[name] = version
            self._refused[name] = "blocked by the setting plugins.blocked"
            return
        try:
            plugin = entry_point.load()
        except ModuleNotFoundError as error:
            if distribution is not None and distribution.name == _OWN:
                return  # an extra that nobody asked for
            self._reject(name, version, error)
        # Lost: this plug-in; counted under its name.
        except Exception as error:
            self._reject(name, version, error)
        else:
            self._add(name, plugin, version)

    def _add(self, name: str, plugin: object, version: str | None) -> None:
        manager = self._hooks or self._built()
        try:
            manager.register(plugin, name)
        # Lost: this plug-in, such as one whose hook asks for a parameter that there is not.
        except Exception as error:
            if name not in self._versions:
                # pluggy keeps what it registered before it found the fault.
                if manager.has_plugin(name):
                    manager.unregister(name=name)
                self._reject(name, version, error)
            return
        self._versions[name] = version
        self._tell_unknown(name, plugin)

    def _built(self) -> pluggy.PluginManager:
        import pluggy  # only where there is a plug-in

        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(import_module("execmeta.hooks.specs"))
        self._hooks = manager
        return manager

    def _tell_unknown(self, name: str, plugin: object) -> None:
        manager = self._hooks
        if manager is None:
            return
        for caller in manager.get_hookcallers(plugin) or ():
            if not caller.has_spec():
                self._note(name, caller.name, "there is no such hook in this release")
            elif any(
                impl.plugin is plugin and (impl.wrapper or impl.hookwrapper)
                for impl in caller.get_hookimpls()
            ):
                self._note(name, caller.name, "wrappers are not called")

    def _reject(self, name: str, version: str | None, error: Exception) -> None:
        self._versions[name] = version
        self._refused[name] = f"{type(error).__name__}: {error}"
        self._note(name, "load", self._refused[name])

    def _note(self, plugin: str, hook: str, reason: str) -> None:
        self.failures[plugin] += 1
        if plugin not in self._told:
            self._told.add(plugin)
            _log.warning(
                "Plug-in %s failed in %s (%s). It is skipped there; see `execmeta doctor`.",
                plugin,
                hook,
                ascii(reason)[1:-1][:300],
            )
