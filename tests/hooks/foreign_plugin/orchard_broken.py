"""Raises in every hook."""

from execmeta import hookimpl


@hookimpl
def execmeta_before_start(draft):
    raise RuntimeError("rotten \x1b[31mapple")


@hookimpl
def execmeta_after_finish(execution):
    raise RuntimeError("rotten again")
