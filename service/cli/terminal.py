"""What the commands share: words to standard error, and the settings or a way out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

if TYPE_CHECKING:
    from service.settings.model import Settings

OK, PROBLEM, MISCONFIGURED = 0, 1, 2
"""Exit codes: all is well; something on the way is broken; the settings or the command are wrong."""


def output() -> Console:
    """Return the console of standard output: coloured on a terminal, plain text elsewhere, never wrapped there."""
    return Console(highlight=False, soft_wrap=True)


def refuse(reason: str, code: int = MISCONFIGURED) -> NoReturn:
    """Say in one line on standard error why the command does not continue, and exit."""
    from kafka.client.secrets import CONFIGURED

    print(f"kafka-resend: {CONFIGURED.mask(reason)}", file=sys.stderr)  # noqa: T201
    sys.exit(code)


def settings_or_exit() -> Settings:
    """Return the settings of the environment, or say what is wrong with them and exit with code 2."""
    from service.settings.model import load_settings
    from service.settings.variables import SettingsError

    try:
        return load_settings(os.environ)
    except SettingsError as error:
        refuse(str(error))
