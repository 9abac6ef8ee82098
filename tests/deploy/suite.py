"""Runs the checks of deploy/: files against their formats, policies against AWS's reference, rules against their cases, all against
each other; and a real Prometheus against a running axon.

    python3 tests/deploy/suite.py --axon target/debug/axon [CLASS | CLASS.TEST ...]

Neighbours: `policies`, `files`, `monitoring` and `live` hold the tests, `suites` runs them; `run` installs what they need.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import live
import suites

MODULES = ["policies", "files", "monitoring", "live"]


def main():
    parser = argparse.ArgumentParser(description="The checks of deploy/.")
    parser.add_argument("--axon", required=True, type=pathlib.Path, help="the binary under test")
    parser.add_argument("names", nargs="*", metavar="TEST", help="a class, or class.test")
    arguments = parser.parse_args()
    live.AXON = str(arguments.axon.resolve())
    return suites.run(MODULES, arguments.names)


if __name__ == "__main__":
    sys.exit(main())
