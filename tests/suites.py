"""How the suites in Python are picked, run and judged: one line per test, and the verdict `N passed, N failed` as the last line.

Neighbours: `awscli`, `conformance` and `deploy` each have a `suite.py` that says which modules it has; `programs` starts what they test. Must not hold: what is tested.
"""

import importlib
import signal
import time
import unittest


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

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            kept = self.failures if issubclass(err[0], test.failureException) else self.errors
            self._line("FAILED", subtest, kept[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("FAILED", test, f"skipped: {reason}")

    def _line(self, verdict, test, details=""):
        seconds = time.monotonic() - self.started
        print(f"{verdict:<7}{seconds:6.1f} s  {test.id()}", flush=True)
        if details:
            print(details.rstrip(), flush=True)


def load(module_names, names):
    """Every test of every module, or the classes and tests that are named."""
    loader = unittest.TestLoader()
    modules = [importlib.import_module(name) for name in module_names]
    if not names:
        return unittest.TestSuite(loader.loadTestsFromModule(module) for module in modules)
    homes = {cls: module for module in modules for cls in vars(module)}
    unknown = [name for name in names if name.split(".")[0] not in homes]
    if unknown:
        raise SystemExit(f"no such test: {', '.join(unknown)}\n0 passed, 1 failed")
    return unittest.TestSuite(loader.loadTestsFromName(name, homes[name.split(".")[0]]) for name in names)


def run(module_names, names):
    """Runs them, prints the verdict and gives the exit code. What did not run has failed."""
    # Whoever ends the suite ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    suite = load(module_names, names)
    wanted = suite.countTestCases()
    result = Lines()
    suite.run(result)
    # A class whose clean-up fails has passed all its tests; that is a failure too.
    failed = max(wanted - result.passed, len(result.failures) + len(result.errors))
    print(f"{result.passed} passed, {failed} failed", flush=True)
    return 1 if failed or not wanted else 0
