"""Everything a user has been seen to get wrong, done on purpose: the source of docs/bad_inputs.md.

A case is a function that raises. :func:`collect` runs all of them.
"""
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List

CASES: List['Case'] = []


@dataclass(frozen=True)
class Case:
    """``area`` is the heading in the table, ``done`` says what the user did, ``run(folder)`` does it."""
    area: str
    done: str
    run: Callable[[Path], None]


def case(area: str, done: str):
    """Register a function of one argument, an empty folder."""

    def register(run):
        CASES.append(Case(area, done, run))
        return run

    return register


from . import checkpoints, commands, configs, crf, data, parts  # noqa: E402, F401
