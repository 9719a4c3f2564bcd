"""The hooks that wait for a library, and the guard around our own code."""

import os
import unittest

import here
from fake_engine import FakeEngine
from lumigo_opentelemetry import _imports


class Wrapping(unittest.TestCase):
    def setUp(self):
        class Library:
            def plain(self, a, b=2):
                """Theirs."""
                return a + b

            @staticmethod
            def static(a):
                return a

            @classmethod
            def of_class(cls, a):
                return cls, a

        class Inheriting(Library):
            pass

        self.library, self.inheriting = Library, Inheriting
        _imports._installing = "test"
        self.addCleanup(setattr, _imports, "_installing", None)

    @staticmethod
    def make(original):
        def wrapper(*args, **kwargs):
            return "wrapped", original(*args, **kwargs)

        return wrapper

    def test_a_wrapper_looks_like_the_original(self):
        original = self.library.plain
        _imports.wrap(self.library, "plain", self.make)
        self.assertEqual(("wrapped", 3), self.library().plain(1))
        self.assertEqual(("plain", "Theirs."), (self.library.plain.__name__, self.library.plain.__doc__))
        self.assertIs(original, self.library.plain.__wrapped__)

    def test_static_and_class_methods_stay_what_they_are(self):
        _imports.wrap(self.library, "static", self.make)
        _imports.wrap(self.library, "of_class", self.make)
        self.assertEqual(("wrapped", 1), self.library().static(1))
        self.assertEqual(("wrapped", (self.library, 1)), self.library.of_class(1))

    def test_nothing_is_wrapped_twice(self):
        _imports.wrap(self.library, "plain", self.make)
        _imports.wrap(self.library, "plain", self.make)
        self.assertEqual(("wrapped", 3), self.library().plain(1))

    def test_it_can_be_undone(self):
        before = dict(vars(self.library)), dict(vars(self.inheriting))
        for owner in (self.inheriting, self.library):
            for name in ("plain", "static", "of_class"):
                _imports.wrap(owner, name, self.make)
        _imports.unwrap("test")
        self.assertEqual(before, (dict(vars(self.library)), dict(vars(self.inheriting))))

    def test_what_somebody_wrapped_again_is_left_alone(self):
        _imports.wrap(self.library, "plain", self.make)
        self.library.plain = theirs = self.make(self.library.plain)
        _imports.unwrap("test")
        self.assertIs(theirs, self.library.plain)

    def test_a_missing_name_is_the_hook_s_error(self):
        with self.assertRaises(AttributeError):
            _imports.wrap(self.library, "gone", self.make)


class Guard(unittest.TestCase):
    def test_our_mistakes_cost_one_debug_line(self):
        here.reset()

        @_imports.guard
        def part():
            raise ValueError("ours")

        with here.Lines() as lines:
            for _ in range(3):
                self.assertIsNone(part())
                with _imports.guard:
                    raise KeyError("ours too")
        self.assertEqual(["DEBUG", "DEBUG"], [level for level, _ in lines])
        self.assertEqual("An exception occurred in lumigo's code part: ValueError: ours", lines[0][1])

    def test_interrupts_are_not_ours_to_catch(self):
        for kind in (KeyboardInterrupt, SystemExit, GeneratorExit):
            with self.assertRaises(kind):
                with _imports.guard:
                    raise kind
            with self.assertRaises(kind):
                _imports.guard(lambda kind=kind: (_ for _ in ()).throw(kind))()


class Hooks(unittest.TestCase):
    """In a process of its own each, with a library and a hook made for the purpose."""

    PRELUDE = """
import os, sys, types
import lumigo_opentelemetry
from lumigo_opentelemetry import _imports
installed = []
hook = types.ModuleType("lumigo_opentelemetry.hooks.toy_hook")
hook.install = lambda module: installed.append((module.__name__, hasattr(module, "end")))
sys.modules[hook.__name__] = hook
_imports.HOOKS["toy.part"] = "toy_hook"
"""

    def run_app(self, code, library="end = 1\n", **settings):
        with FakeEngine(**settings) as engine:
            os.makedirs(os.path.join(engine.directory, "toy"))
            for name, text in (("__init__", ""), ("part", library)):
                with open(os.path.join(engine.directory, "toy", name + ".py"), "w") as file:
                    file.write(text)
            status, out, err = engine.run("import sys; sys.path.append(%r)\n" % engine.directory + self.PRELUDE + code)
            self.assertEqual(0, status, err)
            return out, err

    def test_a_hook_runs_once_after_its_module(self):
        out, _ = self.run_app(
            "print(installed)\nimport toy\nprint(installed)\nimport toy.part\nfrom toy import part\nprint(installed)"
        )
        self.assertEqual("[]\n[]\n[('toy.part', True)]\n", out)

    def test_the_module_keeps_its_own_loader(self):
        out, _ = self.run_app(
            "from toy import part\nprint(type(part.__loader__).__name__, type(part.__spec__.loader).__name__)\n"
            "import importlib; importlib.reload(part); print(len(installed), type(part.__loader__).__name__)",
            library="seen = __loader__, __spec__.loader\nassert type(__loader__).__name__ == 'SourceFileLoader'\nend = 1\n",
        )
        self.assertEqual("SourceFileLoader SourceFileLoader\n1 SourceFileLoader\n", out)

    def test_what_the_module_raises_reaches_the_app(self):
        out, _ = self.run_app(
            "try: import toy.part\nexcept ZeroDivisionError as err: print('theirs')\nprint(installed, 'toy.part' in sys.modules)",
            library="1 / 0\n",
        )
        self.assertEqual("theirs\n[] False\n", out)

    def test_a_module_that_is_missing_stays_missing(self):
        out, _ = self.run_app(
            "_imports.HOOKS['toy.gone'] = 'toy_hook'\ntry: import toy.gone\nexcept ImportError as err: print(err.name)\n"
            "import importlib.util; print(importlib.util.find_spec('toy.gone'))"
        )
        self.assertEqual("toy.gone\nNone\n", out)

    def test_a_hook_that_fails_leaves_the_library_as_it_was(self):
        out, err = self.run_app(
            "def install(module):\n    _imports.wrap(module, 'f', lambda f: lambda: 'ours')\n    raise ValueError('v')\n"
            "hook.install = install\nimport toy.part\nprint(toy.part.f())",
            library="def f(): return 'theirs'\n",
        )
        self.assertEqual("theirs\n", out)
        self.assertIn("ERROR - An error occurred while applying the 'toy_hook' instrumentation: v\n", err)

    def test_a_hook_steps_aside_where_the_library_is_another_version(self):
        out, err = self.run_app(
            "hook.install = lambda module: [_imports.wrap(module, name, lambda f: lambda: 'ours') for name in ('f', 'gone')]\n"
            "import toy.part\nprint(toy.part.f())",
            library="def f(): return 'theirs'\n",
        )
        self.assertEqual("theirs\n", out)
        self.assertNotIn("ERROR", err)

    def test_one_that_is_disabled_is_not_installed(self):
        """A20: the engine says which, by any of the names that a hook goes by."""
        for name in ("toy", "toy-hook", "toy_hook"):
            with self.subTest(name):
                out, err = self.run_app("import toy.part\nprint(installed)", disabled=[name])
                self.assertEqual("[]\n", out)
                self.assertIn("INFO - Instrumentation 'toy_hook' is disabled via LUMIGO_DISABLE_INSTRUMENTATION", err)

    def test_a_library_that_somebody_else_traces_is_left_to_him(self):
        out, _ = self.run_app(
            "hook.install = lambda module: _imports.wrap(module, 'f', lambda f: lambda: 'ours')\n"
            "import toy.part\nprint(toy.part.f())\n_imports.stand_aside('toy')\nprint(toy.part.f())",
            library="def f(): return 'theirs'\n",
        )
        self.assertEqual("ours\ntheirs\n", out)

    def test_modules_that_are_there_already_are_hooked_at_once(self):
        out, _ = self.run_app("import toy.part\ninstalled.clear(); _imports._installed.clear()\n_imports.enable()\nprint(installed[-1:])")
        self.assertEqual("[('toy.part', True)]\n", out)

    def test_other_finders_that_ask_all_finders_do_not_go_round_for_ever(self):
        out, _ = self.run_app(
            "import importlib.util\n"
            "class Curious:\n"
            "    asking = False\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if self.asking: return None\n"
            "        self.asking = True\n"
            "        try: return importlib.util.find_spec(name)\n"
            "        finally: self.asking = False\n"
            "import toy\nsys.meta_path.insert(1, Curious())\nfrom toy import part\nprint(installed, type(part.__loader__).__name__)"
        )
        self.assertEqual("[('toy.part', True)] SourceFileLoader\n", out)

    def test_every_hook_named_is_there(self):
        for module, hook in _imports.HOOKS.items():
            path = os.path.join(os.path.dirname(_imports.__file__), "hooks", hook + ".py")
            self.assertTrue(os.path.exists(path), "%s names the hook %s" % (module, hook))


if __name__ == "__main__":
    unittest.main()
