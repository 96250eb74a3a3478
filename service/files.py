"""Files that decide who may do what."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO


def writable_by_everybody(file: BinaryIO) -> bool:
    """Whether an open file is one that all users of the machine may change, as sshd and sudo refuse them.

    Pipes and devices, which are another process's to fill, are not meant.
    """
    mode = os.fstat(file.fileno()).st_mode
    return stat.S_ISREG(mode) and bool(mode & stat.S_IWOTH)
