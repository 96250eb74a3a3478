"""Runs a worker of jobs, and another one in its place: when its certificates have changed, or after an outage."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from kafka.client.clients import log
from kafka.client.config import ClusterConfig
from kafka.client.credential_files import CredentialFiles
from kafka.client.refused_property import refused_property
from kafka.jobs.worker.group import JobsWorker

_LOOK_SECONDS = 2.0
_RESTART_SECONDS = 1.0


def keep_running(config: ClusterConfig, make: Callable[[], JobsWorker], stopped: Event) -> None:
    """Run workers, one after the other, until stopped.

    Args:
        config: the cluster.
        make: returns a worker, whose clients read the files.
        stopped: ends the worker, and this.
    """
    files = CredentialFiles(config)
    while not stopped.is_set():
        leaving = Event()
        watch = Thread(target=_watch, args=(config, files, stopped, leaving), name=f"{config.name} certificates")
        watch.start()
        try:
            make().run(leaving)
        except Exception:  # noqa: BLE001 the thread's edge: else no jobs would be run any more
            log.exception("%s: starting the worker of jobs again", config.name)
            stopped.wait(_RESTART_SECONDS)
        finally:
            leaving.set()
            watch.join()


def _watch(config: ClusterConfig, files: CredentialFiles, stopped: Event, leaving: Event) -> None:
    """Have the worker leave when all is to end, or when its files have changed and can be used."""
    changed = False
    while not changed and not leaving.is_set() and not stopped.wait(_LOOK_SECONDS):
        changed = files.changed() and refused_property(config) is None
    if changed:
        files.use()
        log.info("%s: the files of its certificates have changed; starting the worker of jobs again", config.name)
    leaving.set()
