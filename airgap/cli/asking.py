"""Asking a person at a terminal."""

from __future__ import annotations

import sys

import click


def is_typed(question: str, word: str) -> bool:
    """Whether somebody at a terminal typed ``word``; a script cannot."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    try:
        typed: str = click.prompt(f"\n{question}, type '{word}'", default="", show_default=False, err=True)
    except click.Abort:
        click.echo(err=True)  # the error begins on a line of its own
        raise
    return typed.strip() == word
