"""The instances that this process serves, and where in its life it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from kafka.client.config import ClusterConfig
from kafka.cluster import Cluster
from kafka.model.policy import matches


@dataclass(frozen=True, slots=True)
class Instance:
    """One Kafka cluster as callers address it.

    Attributes:
        cluster: the worker behind it.
        projects: shell patterns of the project ids that own it.
    """

    cluster: Cluster
    projects: tuple[str, ...]


class Instances:
    """Opens the clusters, finds them by project and instance id, closes them.

    Args:
        configs: the clusters, each named as its instance.
        projects: per instance, shell patterns of the project ids that own it.

    Attributes:
        phase: `starting` before the first attempt to open all of them, then `ready`, then `stopping`.
    """

    def __init__(self, configs: tuple[ClusterConfig, ...], projects: Mapping[str, tuple[str, ...]]) -> None:
        self._configs = configs
        self._projects = projects
        self._known: dict[str, Instance] = {}
        self.phase: Literal["starting", "ready", "stopping"] = "starting"

    def __iter__(self) -> Iterator[tuple[str, Instance]]:
        return iter(self._known.items())

    async def open(self) -> None:
        """Start all clusters; one that is away does not stop the others, nor this.

        Belongs into the running event loop of the process that serves: the client library's threads survive no fork.
        """
        self._known = {config.name: Instance(Cluster(config), self._projects[config.name]) for config in self._configs}
        await asyncio.gather(*(instance.cluster.open() for instance in self._known.values()))
        self.phase = "ready"

    async def close(self) -> None:
        """Finish what was accepted, then end all clusters."""
        self.phase = "stopping"
        await asyncio.gather(*(instance.cluster.close() for instance in self._known.values()))

    def find(self, project: str, name: str) -> Cluster | None:
        """Return the cluster of this instance, or None when there is none that this project owns."""
        instance = self._known.get(name)
        if instance is None or not matches(project, instance.projects):
            return None
        return instance.cluster
