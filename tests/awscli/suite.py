"""Runs the suite: the stock AWS command line beside `axon`, both against `axon simulate`.

    python3 tests/awscli/suite.py --axon target/debug/axon [--aws aws] [CLASS | CLASS.TEST ...]

Neighbours: `session` starts programs and asks them; `apply`, `drift`, `groups`, `logs`, `jobs`, `gitops` and `operations` hold the tests, `suites` runs them.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import session
import suites

# In this order; `operations` looks at what the others have asked.
MODULES = ["apply", "drift", "groups", "logs", "jobs", "gitops", "operations"]


def main():
    parser = argparse.ArgumentParser(description="The stock AWS command line beside axon, against axon simulate.")
    parser.add_argument("--axon", required=True, type=pathlib.Path, help="the binary under test")
    parser.add_argument("--aws", default="aws", help="the stock command line (default: the one on PATH)")
    parser.add_argument("--source", default="config/examples", help="the specs to apply (default: %(default)s)")
    parser.add_argument("--speed", default="60", help="how fast the simulated time runs (default: %(default)s)")
    parser.add_argument("--deadline", default=180.0, type=float, help="seconds to wait for a change (default: %(default)s)")
    parser.add_argument("names", nargs="*", metavar="TEST", help="a class, or class.test")
    arguments = parser.parse_args()
    session.SETTINGS = session.Settings(
        axon=str(arguments.axon.resolve()),
        aws=arguments.aws,
        source=arguments.source,
        speed=arguments.speed,
        deadline=arguments.deadline,
    )
    return suites.run(MODULES, arguments.names)


if __name__ == "__main__":
    sys.exit(main())
