"""npm.py - other people's JavaScript clients, pinned by package-lock.json, installed once below the build folder.

    folder = npm.installed()          raises harness.Skip where there is no node, no npm or no network
    npm.run(folder, "watson.cjs", url, ...)   runs tests/peers/watson.cjs with these packages; its output, or AssertionError

Writes to $SPARROW_NPM (default $top_builddir/tests/peers/npm). Install scripts of packages are not run.
"""
# SPDX-License-Identifier: Apache-2.0
import filecmp
import os
import shutil
import subprocess

from harness import SLOW, TOP_BUILD, Skip

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ("package.json", "package-lock.json")


def installed():
    if not shutil.which("node") or not shutil.which("npm"):
        raise Skip("node or npm is missing (apt-get install nodejs npm)")
    folder = os.environ.get("SPARROW_NPM", os.path.join(TOP_BUILD, "tests", "peers", "npm"))
    done = os.path.join(folder, "installed.json")       # a copy of the lock that was installed in full
    lock = os.path.join(HERE, "package-lock.json")
    if os.path.exists(done) and filecmp.cmp(done, lock, shallow=False):
        return folder
    os.makedirs(folder, exist_ok=True)
    for name in FILES:
        shutil.copyfile(os.path.join(HERE, name), os.path.join(folder, name))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        result = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        raise Skip("npm ci did not end within four minutes")
    if result.returncode:
        raise Skip("npm ci failed: " + result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "npm ci failed")
    shutil.copyfile(lock, done)
    return folder


def run(folder, script, *arguments):
    # A module's imports are looked up beside its file: it is copied to where the packages are.
    copy = os.path.join(folder, script)
    shutil.copyfile(os.path.join(HERE, script), copy)
    result = subprocess.run(["node", copy] + [str(a) for a in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=60 * SLOW)
    assert result.returncode == 0, f"{script}: {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout
