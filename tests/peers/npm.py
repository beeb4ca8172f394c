"""npm.py - other people's JavaScript clients, pinned by package-lock.json, installed once below the build folder.

    folder = npm.installed()          raises harness.Skip where there is no node, no npm or no network
    npm.run(folder, "watson.cjs", url, ...)   runs tests/peers/watson.cjs with these packages; its output, or AssertionError

Writes to $SPARROW_NPM (default $top_builddir/tests/peers/npm). Install scripts of packages are not run.
"""
# SPDX-License-Identifier: Apache-2.0
import filecmp
import fcntl
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
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:     # tests that run side by side install once
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(folder)
    return folder


def install(folder):
    done = os.path.join(folder, "installed.json")       # a copy of the lock file that was installed in full
    wanted = os.path.join(HERE, "package-lock.json")
    if os.path.exists(done) and filecmp.cmp(done, wanted, shallow=False):
        return
    for name in FILES:
        shutil.copyfile(os.path.join(HERE, name), os.path.join(folder, name))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        result = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        raise Skip("npm ci did not end within four minutes")
    if result.returncode:
        said = result.stderr.strip().splitlines() or ["nothing said"]
        raise Skip("npm ci failed: " + next((line for line in said if "error" in line), said[0]))
    shutil.copyfile(wanted, done)


def run(folder, script, *arguments):
    # A module's imports are looked up beside its file: it is copied to where the packages are.
    copy = os.path.join(folder, script)
    shutil.copyfile(os.path.join(HERE, script), copy)
    result = subprocess.run(["node", copy] + [str(a) for a in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=60 * SLOW)
    assert result.returncode == 0, f"{script}: {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout
