"""Namespaces of attributes: what tools know by themselves, never what people say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ATTRIBUTE_NAMESPACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "git": "revision, branch and remote of the working tree",
        "ci": "provider, job and build of a continuous integration run",
        "host": "name and operating system of the machine",
        "airflow": "DAG, run, task and try of Apache Airflow",
        "pytest": "node id, outcome, markers and worker of pytest",
        "otel": "service and resource of a foreign span",
        "process": "program, process id and runtime version",
    }
)
"""First part of an attribute's name to what stands below it.

A dotted bare name in a filter that begins with one of these means the attribute, any other
unknown one the metadata key. Plug-ins add their own first part with the fields that they declare.
"""
