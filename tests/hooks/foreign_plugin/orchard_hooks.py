"""Adds metadata at the start, takes customers out, declares a filter field."""

from execmeta import hookimpl
from execmeta.filters.fields import Field


@hookimpl
def execmeta_before_start(draft):
    draft.attributes["orchard.tree"] = "apple"
    return {"orchard": f"{draft.kind} under the tree", "env": "never wins"}


@hookimpl
def execmeta_redact(key, value):
    return "[redacted:customer]" if key == "customer" else None


@hookimpl
def execmeta_filter_fields():
    return [Field("orchard.tree", "text", "Tree that it ran under.", "orchard.tree=apple")]
