"""Runs the suite: Axon and its simulator against botocore's models of AWS, and against the emulators moto and ministack.

    python3 tests/conformance/suite.py --axon target/debug/axon --moto moto_server --ministack ministack [CLASS | CLASS.TEST ...]

Neighbours: `run` installs what it needs. `accounts` starts accounts, `proxy` records, `decode`, `shapes` and `exchanges` judge;
the tests are in the modules below; `suites` runs them.
"""

import argparse
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import accounts
import suites

MODULES = ["checks", "answered", "provoked", "sent", "differing", "abroad"]


def main():
    parser = argparse.ArgumentParser(description="Axon and its simulator against botocore's models of AWS.")
    parser.add_argument("--axon", required=True, type=pathlib.Path, help="the binary under test")
    parser.add_argument("--moto", default="moto_server", help="moto's server (default: the one on PATH)")
    parser.add_argument("--ministack", default="ministack", help="ministack (default: the one on PATH)")
    parser.add_argument("--deadline", default=200.0, type=float, help="seconds to wait for anything (default: %(default)s)")
    parser.add_argument("names", nargs="*", metavar="TEST", help="a class, or class.test")
    arguments = parser.parse_args()
    accounts.SETTINGS = accounts.Settings(
        axon=str(arguments.axon.resolve()),
        moto=shutil.which(arguments.moto) or arguments.moto,
        ministack=shutil.which(arguments.ministack) or arguments.ministack,
        deadline=arguments.deadline,
    )
    return suites.run(MODULES, arguments.names)


if __name__ == "__main__":
    sys.exit(main())
