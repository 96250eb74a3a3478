"""The command line, kafka-resend: one module per command, imported only when that command is used."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command as as_click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class _Command:
    """Where a command's function is, how the list of commands describes it, and how its help ends."""

    module: str
    function: str
    summary: str
    hidden: bool = False
    epilog: str | None = None


_EXIT_CODES = (
    "Exit codes: 0 done; 1 refused, nothing was written; 2 the command, its options or the settings are wrong; 3 not "
    "now: nothing was written, the same command may be given again; 4 whether a copy was written is not known; 5 the "
    "output cannot be written, such as to a full disk; 130 interrupted with Ctrl-C. A closed pipe (`| head`) is no "
    "error."
)
"""Of the commands that are clients of the API."""


_COMMANDS = {
    "serve": _Command("service.cli.serve", "serve_command", "Serve the HTTP API, as RESEND_* variables configure it."),
    "demo": _Command(
        "service.cli.demo", "demo_command", "Try it out: serve on a broker in memory, with sample records."
    ),
    "check": _Command(
        "service.cli.check", "check_command", "Check which Kafka clusters answer and which ACLs are missing."
    ),
    "worker": _Command("service.cli.worker", "worker_command", "Run jobs only, without serving the API."),
    "config": _Command("service.cli.config", "config_command", "Print the settings in effect, secrets hidden."),
    "token": _Command("service.cli.token", "token_command", "Create a token for a caller, and the entry to configure."),
    "topics": _Command(
        "service.cli.topics",
        "topics_command",
        "List topics, and whether their records can be resent.",
        epilog=_EXIT_CODES,
    ),
    "messages": _Command(
        "service.cli.messages",
        "messages_command",
        "Find records: the newest, by time or by position; show one.",
        epilog=_EXIT_CODES,
    ),
    "dead-letters": _Command(
        "service.cli.dead_letters",
        "dead_letters_command",
        "Group dead letters by where they came from, group and reason.",
        epilog=_EXIT_CODES,
    ),
    "resend": _Command("service.cli.resend", "resend_command", "Resend one record.", epilog=_EXIT_CODES),
    "tail": _Command("service.cli.tail", "tail_command", "Show records as they are written.", epilog=_EXIT_CODES),
    "sample-topic": _Command(
        "service.cli.sample_topic", "sample_topic_command", "Make topic-test, with its sample records.", hidden=True
    ),
}

_JOBS = "Resend many records, each exactly once: start, follow and cancel jobs."
_JOB_COMMANDS = {
    name: _Command(module, function, summary, epilog=_EXIT_CODES)
    for name, module, function, summary in (
        ("start", "service.cli.job_start", "start_command", "Resend a selection of a topic's records, or count them."),
        ("list", "service.cli.job", "list_command", "List jobs, the newest first."),
        ("show", "service.cli.job", "show_command", "Show one job in detail."),
        ("watch", "service.cli.job", "watch_command", "Follow a job to its end."),
        ("cancel", "service.cli.job_ask", "cancel_command", "Cancel a job."),
        ("pause", "service.cli.job_ask", "pause_command", "Pause a job."),
        ("resume", "service.cli.job_ask", "resume_command", "Resume a paused job."),
        (
            "resend-failed",
            "service.cli.job_ask",
            "resend_failed_command",
            "Start a new job that resends the failures of a job.",
        ),
    )
}


class _PlainCommand(TyperCommand):
    """A command whose help names arguments as `TOPIC` and `[NAME]`, where typer has `{TOPIC} <str>` and `[[NAME]]`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [
            self.options_metavar or "",
            *(_argument(param) for param in self.get_params(ctx) if _is_argument(param)),
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        params = self.get_params(ctx)
        arguments = [(_argument(param), getattr(param, "help", None) or "") for param in params if _is_argument(param)]
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl(arguments)
        with formatter.section("Options"):
            told = (param.get_help_record(ctx) for param in params if not _is_argument(param))
            formatter.write_dl([record for record in told if record is not None])


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _argument(param: Any) -> str:
    name: str = param.metavar or param.name.upper()
    return name if param.required or name.startswith("[") else f"[{name}]"


class _LazyGroup(TyperGroup):
    """Commands by name; the module behind one is imported when it is used, so that `serve` does not wait for others."""

    known: ClassVar[Mapping[str, _Command | str]] = {**_COMMANDS, "job": _JOBS}
    """Commands; of a group of them, its summary."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(self.known)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        del ctx
        found = self.known.get(cmd_name)
        if found is None:
            return None
        return _group(cmd_name, found) if isinstance(found, str) else _single(cmd_name, found)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # The base class looks for names that are close among the commands that are imported, which are none.
        if args[0] not in self.known and not ctx.resilient_parsing:
            close = get_close_matches(args[0], [name for name, _ in self._listed()])
            if close:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(map(repr, close))}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(self._listed())

    def _listed(self) -> list[tuple[str, str]]:
        """Return the commands with what they do; the base class would import every one for that."""
        return [
            (name, known if isinstance(known, str) else known.summary)
            for name, known in self.known.items()
            if isinstance(known, str) or not known.hidden
        ]


class _JobGroup(_LazyGroup):
    known = _JOB_COMMANDS


def _single(name: str, found: _Command) -> TyperCommand:
    function: Callable[..., None] = getattr(importlib.import_module(found.module), found.function)
    single = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    single.command(name, cls=_PlainCommand, short_help=found.summary, hidden=found.hidden, epilog=found.epilog)(
        function
    )
    command = as_click(single)
    assert isinstance(command, TyperCommand)  # noqa: S101 - one command makes no group
    return command


def _group(name: str, summary: str) -> TyperGroup:
    commands = typer.Typer(
        cls=_JobGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
    )
    commands.callback(help=summary)(lambda: None)
    group = as_click(commands)
    assert isinstance(group, TyperGroup)  # noqa: S101 - a callback makes it one
    group.name = name
    return group


app = typer.Typer(
    cls=_LazyGroup,
    name="kafka-resend",
    no_args_is_help=True,
    rich_markup_mode=None,
    # Its tracebacks show the values of local variables, and those may be secret.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("kafka-resend")
        except PackageNotFoundError:
            number = "(not installed, run from a checkout)"
        typer.echo(f"kafka-resend {number}")
        raise typer.Exit


@app.callback()
def _kafka_resend(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Put a Kafka record back on its topic, for one consumer or for all.

    An HTTP call names a topic, a partition and an offset. The service reads that record, sets its consumer_key header
    if asked to, writes it to the end of the same partition, and answers when all in-sync replicas have it.

    Start with `kafka-resend demo`: it needs no Kafka and no settings.
    """
    del version


def foreign_kafka() -> str | None:
    """Return what is wrong with the package `kafka` that would be imported, or None when it is ours.

    kafka-python and its relatives install a package of the same name. Nothing of it is imported to find out: files are
    looked for. A `consumer` folder beside our modules means that both were installed over each other.
    """
    spec = find_spec("kafka")
    places = list(spec.submodule_search_locations or ()) if spec else []
    ours = PathFinder.find_spec("kafka.client_set", places) is not None
    other = PathFinder.find_spec("kafka.consumer", places) is not None
    if ours and not other:
        return None
    place = ", ".join(str(Path(place)) for place in places) or "nowhere"
    return (
        f"The Python package `kafka` found at {place} is not (only) kafka-resend's own; kafka-python installs one of "
        "that name too. Give kafka-resend an environment of its own: a container, pipx, or a new venv."
    )


def main() -> None:
    """Run the command line."""
    from service.cli.streams import install_streams

    install_streams()
    wrong = foreign_kafka()
    if wrong is not None:
        print(wrong, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    app(prog_name="kafka-resend")
