"""How tracing starts, what it says, and above all what it leaves alone."""

import glob
import os
import shutil
import sys
import unittest

from fake_engine import KEY, PYTHON, FakeEngine, until

LOADING = "INFO - Loading the Lumigo OpenTelemetry distribution v"
with open(os.path.join(PYTHON, "lumigo_opentelemetry", "VERSION")) as file:
    VERSION = file.read().strip()
HEAVY = (
    "socket ssl logging threading subprocess re traceback inspect typing select email http urllib.request"
    " json importlib.metadata asyncio string"
).split()


def write(directory, name, text):
    path = os.path.join(directory, name)
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write(text)
    return path


class ActivationTest(unittest.TestCase):
    def setUp(self):
        self.engine = FakeEngine().__enter__()
        self.addCleanup(self.engine.__exit__)
        self.directory = self.engine.directory

    def run_app(self, code, status=0, **more):
        actual, out, err = self.engine.run(code, **more)
        self.assertEqual(status, actual, err)
        return out, err


class Start(ActivationTest):
    def test_an_import_starts_it(self):
        _, err = self.run_app("import lumigo_opentelemetry")
        self.assertRegex(
            err, r"^#LUMIGO# - \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - %s%s \(injection mode: import\)\n$" % (LOADING, VERSION)
        )

    def test_the_launcher_s_path_starts_it(self):
        _, err = self.run_app("pass", inject=True)
        self.assertIn(LOADING + VERSION + " (injection mode: automatic injection)", err)
        self.assertEqual("automatic injection", self.engine.streams[0].hello["mode"])

    def test_the_mode_that_autowrapt_s_variable_tells(self):
        rows = [
            ("A9 among others", "foo,lumigo_opentelemetry", "automatic injection"),
            ("A10 unset", None, "import"),
            ("another", "foo", "import"),
            ("not trimmed, as ever", " lumigo_opentelemetry", "import"),
            ("a longer name", "lumigo_opentelemetry_x", "import"),
        ]
        for name, value, mode in rows:
            with self.subTest(name):
                _, err = self.run_app("import lumigo_opentelemetry", AUTOWRAPT_BOOTSTRAP=value)
                self.assertIn("(injection mode: %s)" % mode, err)

    def test_it_starts_once(self):
        _, err = self.run_app(
            "import lumigo_opentelemetry\nlumigo_opentelemetry.init(); lumigo_opentelemetry.auto_load()",
            inject=True,
            AUTOWRAPT_BOOTSTRAP="lumigo_opentelemetry",
        )
        self.assertEqual(1, err.count(LOADING))
        self.assertEqual(1, len(self.engine.streams))

    def test_it_greets(self):
        self.run_app("import lumigo_opentelemetry", LUMIGO_TAG="t", OTEL_SERVICE_NAME="s", Https_Proxy="p", OTHER="x" * 5000)
        hello = self.engine.streams[0].hello
        self.assertEqual((KEY, "python", VERSION, False), tuple(hello[k] for k in ("key", "language", "distro", "forked")))
        self.assertEqual("%d.%d.%d" % sys.version_info[:3], hello["runtime"][1])
        self.assertEqual(self.engine.streams[0].pid, hello["pid"])
        self.assertEqual(["-c", "import lumigo_opentelemetry"], hello["argv"][1:])
        self.assertEqual(("t", "s", "p"), tuple(hello["config"][k] for k in ("LUMIGO_TAG", "OTEL_SERVICE_NAME", "Https_Proxy")))
        self.assertNotIn("OTHER", hello["config"])
        environ = dict(hello["environ"])
        self.assertEqual("x" * 4096, environ["OTHER"])
        self.assertNotIn("LUMIGO_ENGINE", environ)

    def test_the_greeting_fits_whatever_the_environment(self):
        self.run_app("import lumigo_opentelemetry", LUMIGO_A="x" * 100000, LUMIGO_B="x" * 100000, ODD="\udcff")
        self.assertEqual(1, len(self.engine.streams))

    def test_settings_arrive(self):
        self.engine.settings.update(log=[("WARNING", "from the engine")], propagators=["b3"], capture=7, log_level="ERROR")
        out, err = self.run_app(
            "import lumigo_opentelemetry\nfrom lumigo_opentelemetry import _tracing, _log\n"
            "print(_tracing.settings.propagators, _tracing.settings.capture, _log.level)"
        )
        self.assertEqual("['b3'] 7 40\n", out)
        self.assertNotIn("from the engine", err)  # it is below the level that arrived with it

    def test_an_engine_slow_to_answer_is_not_waited_for_long(self):
        self.engine.answer_settings = False
        out, _ = self.run_app(
            "import time; t = time.monotonic(); import lumigo_opentelemetry; t = time.monotonic() - t\n"
            "from lumigo_opentelemetry import _tracing; _tracing.start_span('x').end(); print(0.9 < t < 5)"
        )
        self.assertEqual("True\n", out)
        self.assertEqual(1, len(self.engine.spans()))

    def test_inactive_settings_leave_everything_unpatched(self):
        self.engine.settings["active"] = False
        out, _ = self.run_app(
            "import os; before = os._exit; import sys; finders = list(sys.meta_path)\nimport lumigo_opentelemetry\n"
            "print(os._exit is before, sys.meta_path == finders)\n"
            "lumigo_opentelemetry.lumigo_wrapped(len)('abc')"
        )
        self.assertEqual("True True\n", out)
        self.assertEqual([], self.engine.spans())

    def test_little_is_imported(self):
        out, _ = self.run_app(
            "import sys; bare = set(sys.modules); import lumigo_opentelemetry\nprint(sorted(set(sys.modules) - bare))",
            options=["-S"],  # or .pth files of others import half the library first
        )
        loaded = eval(out)
        self.assertEqual([], [name for name in HEAVY if name in loaded])

    def test_our_directory_is_not_left_on_the_path(self):
        bare, _ = self.run_app("import sys; print(sys.path)", PYTHONPATH=None)
        injected, _ = self.run_app("import sys; print(sys.path)", inject=True)
        self.assertEqual(bare, injected)

    def test_bytecode_is_written_for_us_alone(self):
        """PYTHONDONTWRITEBYTECODE is usual in images; ours lie in a directory of our own."""
        for name in ("lumigo_opentelemetry", "sitecustomize"):
            shutil.copytree(
                os.path.join(PYTHON, name),
                os.path.join(self.directory, "ours", name),
                ignore=shutil.ignore_patterns("*.pyc", "__pycache__"),
            )
        write(self.directory, "theirs/app_module.py", "")
        path = os.pathsep.join(os.path.join(self.directory, name) for name in ("ours/sitecustomize", "theirs"))
        out, _ = self.run_app(
            "import app_module, sys; print(sys.dont_write_bytecode)", PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1"
        )
        self.assertEqual("True\n", out)
        self.assertTrue(glob.glob(os.path.join(self.directory, "ours", "lumigo_opentelemetry", "__pycache__", "*.pyc")))
        self.assertFalse(glob.glob(os.path.join(self.directory, "theirs", "__pycache__")))


class SwitchOff(ActivationTest):
    LINE = "INFO - Lumigo OpenTelemetry distribution disabled via the 'LUMIGO_SWITCH_OFF' environment variable\n"

    def test_it_leaves_nothing_behind(self):
        """A1: one line, nothing imported, nothing patched, nobody greeted."""
        out, err = self.run_app(
            "import sys, os\nimport lumigo_opentelemetry\n"
            "print(sorted(m for m in sys.modules if m.startswith('lumigo')), '_lumigo' in repr(os._exit), len(sys.meta_path))\n"
            "print(lumigo_opentelemetry.tracer_provider.force_flush(), lumigo_opentelemetry.init()['logger_provider'])",
            inject=True,
            LUMIGO_SWITCH_OFF="TRUE",
        )
        bare, _ = self.run_app("import sys; print(len(sys.meta_path))", PYTHONPATH=None)
        modules = "['lumigo_opentelemetry', 'lumigo_opentelemetry._chain', 'lumigo_opentelemetry._log']"
        self.assertEqual("%s False %sTrue None\n" % (modules, bare), out)
        self.assertEqual(1, err.count(self.LINE))
        self.assertEqual([], self.engine.streams)

    def test_only_true_switches_off(self):
        for value in ("false", "1", "yes", ""):
            with self.subTest(value):  # A2
                _, err = self.run_app("import lumigo_opentelemetry", LUMIGO_SWITCH_OFF=value)
                self.assertIn(LOADING, err)


class Logging(ActivationTest):
    def test_levels(self):
        rows = [
            ("A8 by default", {}, True, False),
            ("A7 debug", {"LUMIGO_DEBUG": "TRUE"}, True, True),
            ("OpenTelemetry's variable", {"OTEL_LOG_LEVEL": "warn"}, False, False),
            ("ours wins", {"LUMIGO_DEBUG": "true", "OTEL_LOG_LEVEL": "error"}, True, True),
            ("an unknown level", {"OTEL_LOG_LEVEL": "loud"}, True, False),
        ]
        del self.engine.settings["log_level"]
        code = "import lumigo_opentelemetry; from lumigo_opentelemetry import _log; _log.debug('deep')"
        for name, environ, info, debug in rows:
            with self.subTest(name):
                _, err = self.run_app(code, **environ)
                self.assertEqual((info, debug), (LOADING in err, "DEBUG - deep" in err))

    def test_no_standard_error_to_write_to(self):
        self.run_app("import sys; sys.stderr = None; import lumigo_opentelemetry")
        self.run_app("import sys; sys.stderr.close(); import lumigo_opentelemetry")


class Chaining(ActivationTest):
    """The app's own sitecustomize runs as if ours did not exist."""

    def run_with(self, text, first=False, **environ):
        write(self.directory, "app/sitecustomize.py", text)
        paths = [os.path.join(PYTHON, "sitecustomize"), os.path.join(self.directory, "app")]
        path = os.pathsep.join(reversed(paths) if first else paths)
        code = "import sys; m = sys.modules.get('sitecustomize'); print(getattr(m, 'mark', None))"
        return self.run_app(code, PYTHONPATH=path, **environ)

    def test_it_runs(self):
        out, err = self.run_with("mark = __name__ + ' of the app'")
        self.assertEqual("sitecustomize of the app\n", out)
        self.assertEqual(1, err.count(LOADING))

    def test_it_runs_when_switched_off(self):
        out, _ = self.run_with("mark = 1", LUMIGO_SWITCH_OFF="true")
        self.assertEqual("1\n", out)

    def test_there_is_none(self):
        _, err = self.run_app("pass", inject=True)
        self.assertEqual(1, err.count("\n"), err)

    def test_what_it_raises_is_reported_in_the_words_of_site(self):
        for text in ("raise ValueError('theirs')", "import does_not_exist", "raise ImportError('sitecustomize')", "syntax error"):
            with self.subTest(text):
                write(self.directory, "app/sitecustomize.py", text)
                alone = self.run_app("print(1)", PYTHONPATH=os.path.join(self.directory, "app"))
                paths = (os.path.join(PYTHON, "sitecustomize"), os.path.join(self.directory, "app"))
                chained = self.run_app("print(1)", PYTHONPATH=os.pathsep.join(paths), OTEL_LOG_LEVEL="error")
                self.assertEqual(alone, chained)

    def test_it_ends_the_process(self):
        write(self.directory, "app/sitecustomize.py", "import os; os._exit(5)")
        paths = (os.path.join(PYTHON, "sitecustomize"), os.path.join(self.directory, "app"))
        self.run_app("pass", status=5, PYTHONPATH=os.pathsep.join(paths))

    def test_upstreams_launcher_puts_its_own_in_front(self):
        """opentelemetry-instrument: no sitecustomize runs after its own, in the program or in its children."""
        package = "app/opentelemetry/instrumentation/auto_instrumentation/"
        write(
            self.directory,
            package + "__init__.py",
            "import sys\nfrom os import environ, execl, pathsep\nfrom os.path import dirname\n"
            "def run(*args):\n    initialize()\n    execl(sys.executable, sys.executable, *args)\n"
            "def initialize():\n    environ['PYTHONPATH'] = dirname(__file__) + pathsep + environ['PYTHONPATH']\n",
        )
        theirs = "from opentelemetry.instrumentation.auto_instrumentation import initialize\ninitialize()\n"
        write(self.directory, package + "sitecustomize.py", theirs + "print('theirs', flush=True)")
        child = "import subprocess, sys; subprocess.check_call([sys.executable, '-c', 'print(3)'])"
        out, err = self.run_app(
            "from opentelemetry.instrumentation import auto_instrumentation as theirs\ntheirs.run('-c', %r)" % child,
            PYTHONPATH=os.pathsep.join((os.path.join(PYTHON, "sitecustomize"), os.path.join(self.directory, "app"))),
        )
        self.assertEqual("theirs\ntheirs\n3\n", out)
        self.assertEqual(3, err.count(LOADING), err)

    def test_one_that_chains_in_its_turn_does_not_go_round_for_ever(self):
        chaining = (
            "import sys, os\nhere = os.path.dirname(os.path.abspath(__file__))\n"
            "mark = sys.modules.pop('sitecustomize', None) and 'chains'\n"
            "sys.path[:] = [p for p in sys.path if os.path.abspath(p) != here] + [%r]\n"
            "try:\n    import sitecustomize\nexcept ImportError: pass\n" % os.path.join(PYTHON, "sitecustomize")
        )
        for first in (False, True):
            _, err = self.run_with(chaining, first=first)
            self.assertEqual(1, err.count(LOADING), err)


class Pth(ActivationTest):
    """The one line in site-packages that the wheel brings."""

    def run_with(self, bootstrap, options=(), **environ):
        site = os.path.join(self.directory, "site")
        if not os.path.exists(site):
            shutil.copytree(PYTHON, site, ignore=shutil.ignore_patterns("__pycache__", "*.go", "tests"))
        # -S, and then site's own reading of .pth files, is what a site-packages directory gets.
        code = "import site; site.addsitedir(%r); import sys; print('lumigo_opentelemetry' in sys.modules)" % site
        return self.run_app(code, options=["-S"] + list(options), PYTHONPATH=None, AUTOWRAPT_BOOTSTRAP=bootstrap, **environ)

    def test_only_the_exact_name_activates(self):
        rows = [
            ("lumigo_opentelemetry", True), ("foo,lumigo_opentelemetry", True), (None, False), ("", False),
            ("foo", False), ("foo, lumigo_opentelemetry", False), ("lumigo_opentelemetry_x", False),
        ]  # fmt: skip
        for bootstrap, active in rows:
            with self.subTest(bootstrap):
                out, err = self.run_with(bootstrap)
                self.assertEqual("%s\n" % active, out)
                self.assertEqual(active, LOADING in err)

    def test_it_reaches_isolated_interpreters(self):
        out, err = self.run_with("lumigo_opentelemetry", options=["-I"])
        self.assertEqual("True\n", out)
        self.assertIn("(injection mode: automatic injection)", err)


class Unsupported(ActivationTest):
    def test_interpreters_too_old_run_on_with_one_warning(self):
        """A11. They inherit PYTHONPATH like any other."""
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(sys.executable))))
        for version in ("2.7", "3.6"):
            found = glob.glob(os.path.join(root, version + ".*", "bin", "python")) + [shutil.which("python" + version) or ""]
            python = next((path for path in found if os.path.exists(path)), None)
            with self.subTest(version):
                if python is None:
                    self.skipTest("NO PYTHON %s HERE: that it is left unharmed has not been tested" % version)
                code = "import sys\nimport lumigo_opentelemetry\nprint([p for p in sys.path if 'lumigo' in p or 'sitecustomize' in p])"
                out, err = self.run_app(code, inject=True, python=python)
                self.assertEqual("[]\n", out)
                line = "WARNING - Unsupported Python version %s; only Python 3.7 to 3.14 are supported.\n" % version
                self.assertEqual((1, 1), (err.count(line), err.count("\n")), err)
        self.assertEqual([], self.engine.streams)

    def test_a_later_version_is_not_traced(self):
        out, err = self.run_app(
            "import sys; info = sys.version_info\nclass V(tuple):\n    major, minor = 3, 15\n"
            "sys.version_info = V((3, 15, 0, 'final', 0)); import lumigo_opentelemetry; sys.version_info = info\n"
            "print(sorted(m for m in sys.modules if m.startswith('lumigo')))"
        )
        self.assertIn("Unsupported Python version 3.15; only", err)
        self.assertEqual("['lumigo_opentelemetry', 'lumigo_opentelemetry._log']\n", out)


ENGINE = """#!%s
# Stands for the binary of the wheel: it takes over the socket, and leaves its starter.
import os, sys
sys.path.insert(0, %r)
import socket
from fake_engine import FakeEngine
import fake_engine, json, time
assert sys.argv[1:3] == ["engine", "--listen-fd"], sys.argv
fake_engine.KEY = os.environ["LUMIGO_ENGINE"].partition("@")[0].partition("detached:")[2]
if os.fork(): os._exit(0)
os.setsid()
engine = FakeEngine()
class Inherited(FakeEngine):
    def listen(self):
        self._listener = socket.socket(fileno=int(sys.argv[3]))
        self._listener.setsockopt(socket.SOL_SOCKET, fake_engine.SO_PASSCRED, 1)
        import threading
        self._thread = threading.Thread(target=self._serve); self._thread.start()
os.close(0); os.close(1); os.close(2)
engine = Inherited(); engine.listen()
deadline = time.time() + 30
while time.time() < deadline and not (engine.streams and engine.streams[0].made is not None): time.sleep(0.01)
engine.settle()
with open(os.environ["REPORT"] + ".new", "w") as file:
    json.dump([s["name"] for s in engine.spans()], file)
os.rename(os.environ["REPORT"] + ".new", os.environ["REPORT"])
os._exit(0)
"""


class OwnEngine(ActivationTest):
    """A process that was given no engine starts the one that the wheel ships."""

    CODE = (
        "import lumigo_opentelemetry, os, sys; from lumigo_opentelemetry import _tracing\n"
        "_tracing.start_span('x').end(); print(os.environ.get('LUMIGO_ENGINE', '').partition('@')[2])\n"
        "try: print(os.waitpid(-1, 0))\nexcept ChildProcessError: print('no child')"
    )

    def setUp(self):
        super().setUp()
        self.site = os.path.join(self.directory, "site")
        shutil.copytree(PYTHON, self.site, ignore=shutil.ignore_patterns("__pycache__", "*.go", "tests"))

    def run_alone(self, **environ):
        more = dict(LUMIGO_ENGINE=None, PYTHONPATH=self.site, TMPDIR=self.directory)
        more.update(environ)
        return self.run_app(self.CODE, **more)

    def test_without_a_binary_there_is_one_warning_and_no_tracing(self):
        out, err = self.run_alone()
        self.assertEqual("\nno child\n", out)
        self.assertRegex(err.splitlines()[1], "WARNING - The Lumigo engine '.*/bin/lumigo' is missing; this process is not traced")
        self.assertEqual(2, err.count("\n"))

    def binary(self, text):
        path = write(self.site, "lumigo_opentelemetry/bin/lumigo", text)
        os.chmod(path, 0o755)

    def test_it_is_started_and_greeted(self):
        report = os.path.join(self.directory, "report")
        self.binary(ENGINE % (sys.executable, os.path.dirname(os.path.abspath(__file__))))
        for name, gone in (("none is named", None), ("the named one is gone", "00@/nowhere/engine.sock")):
            with self.subTest(name):
                out, err = self.run_alone(REPORT=report, LUMIGO_ENGINE=gone)
                path, children = out.splitlines()
                self.assertTrue(path.startswith(self.directory), err)
                self.assertEqual("no child", children, "the app must not find a child that it does not know")
                self.assertEqual(0o711, os.stat(os.path.dirname(path)).st_mode & 0o777)
                self.assertTrue(until(lambda: os.path.exists(report)))
                with open(report) as file:
                    self.assertEqual('["x"]', file.read())
                os.unlink(report)

    def test_a_binary_that_fails_is_warned_of(self):
        self.binary("#!/bin/sh\nexit 3\n")
        out, err = self.run_alone()
        self.assertIn("WARNING - The Lumigo engine could not be started, this process is not traced:", err)
        self.assertIn("ended with status 3", err)
        self.assertEqual("\nno child\n", out)
        self.assertEqual([], glob.glob(os.path.join(self.directory, "lumigo-*")))


if __name__ == "__main__":
    unittest.main()
