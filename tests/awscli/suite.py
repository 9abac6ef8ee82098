"""Runs the suite: the stock AWS command line beside `axon`, both against `axon simulate`.

    python3 tests/awscli/suite.py --axon target/debug/axon [--aws aws] [CLASS | CLASS.TEST ...]

Neighbours: `session` starts programs and asks them; `apply.py`, `drift.py`, `groups.py`, `gitops.py` and `operations.py` hold the tests. The last line
is the verdict,
`N passed, N failed`; a test that did not run counts as failed.
"""

import argparse
import importlib
import pathlib
import signal
import sys
import time
import unittest

import session

# In this order; `operations` looks at what the others have asked.
MODULES = ["apply", "drift", "groups", "gitops", "operations"]


class Lines(unittest.TestResult):
    """One line per test as it ends, and what went wrong right below it."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self.started = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self._line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("FAILED", test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._line("FAILED", test, self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("FAILED", test, f"skipped: {reason}")

    def _line(self, verdict, test, details=""):
        seconds = time.monotonic() - self.started
        print(f"{verdict:<7}{seconds:6.1f} s  {test.id()}", flush=True)
        if details:
            print(details.rstrip(), flush=True)


def load(names):
    """Every test of every module, or those that are named."""
    loader = unittest.TestLoader()
    modules = [importlib.import_module(name) for name in MODULES]
    if not names:
        return unittest.TestSuite(loader.loadTestsFromModule(module) for module in modules)
    homes = {cls: module for module in modules for cls in vars(module)}
    unknown = [name for name in names if name.split(".")[0] not in homes]
    if unknown:
        raise SystemExit(f"no such test: {', '.join(unknown)}")
    return unittest.TestSuite(loader.loadTestsFromName(name, homes[name.split('.')[0]]) for name in names)


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
    # Whoever ends the suite ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    suite = load(arguments.names)
    wanted = suite.countTestCases()
    result = Lines()
    suite.run(result)
    failed = wanted - result.passed
    # A class whose clean-up fails has passed all its tests; that is a failure too.
    failed = max(failed, len(result.failures) + len(result.errors))
    print(f"{result.passed} passed, {failed} failed", flush=True)
    return 1 if failed or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
