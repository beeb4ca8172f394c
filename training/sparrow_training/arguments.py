"""Sorts of arguments that the tools share: what is wrong with one is said before anything is done.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import os


def at_least(least):
    """For add_argument(type=...): a whole number that is no smaller."""

    def whole(text):
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return number

    return whole


def share(text):
    """0 to 1."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def output(path):
    """A file to be written, in a folder that is there: training takes hours, and evaluation
    minutes, before the first byte."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise argparse.ArgumentTypeError(f"there is no folder {folder}")
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{path} is a folder")
    return path
