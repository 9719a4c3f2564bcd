"""What `lumigo doctor` asks of an interpreter: what it is, and what is installed for it.

Run with -E and -s, so that nothing on PYTHONPATH has a part in it; reads the Python part's table
of hooks from standard input. Python 2.7 and later understand it.
"""

import sys

sys.path = [entry for entry in sys.path if entry]  # not the working directory: the app's modules are there

import ast  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import site  # noqa: E402


PYTHONPATH = os.environ.get("PYTHONPATH", "").split(os.pathsep)


def hooks():
    """{module: hook} and the hooks that trace no library, from the source of _imports.py."""
    table, plumbing = {}, []
    for node in ast.parse(sys.stdin.read()).body:
        name = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None)
        if name == "HOOKS":
            table = ast.literal_eval(node.value)
        elif name == "_PLUMBING":
            plumbing = ast.literal_eval(node.value.args[0])
    return table, sorted(plumbing)


def search_path():
    path = PYTHONPATH + sys.path
    in_venv = getattr(sys, "base_prefix", sys.prefix) != sys.prefix
    if not in_venv and not os.environ.get("PYTHONNOUSERSITE"):
        path.append(site.getusersitepackages())
    unique = []
    for entry in path:
        if entry and entry not in unique and os.path.isdir(entry):
            unique.append(entry)
    return unique


def lines(*names):
    try:
        with open(os.path.join(*names)) as file:
            return file.read().splitlines()
    except (OSError, IOError, UnicodeDecodeError):
        return []


def modules(directory):
    """The top-level modules of what is installed."""
    top = [line.strip() for line in lines(directory, "top_level.txt")]
    if not top:
        for line in lines(directory, "RECORD"):
            part = line.split(",")[0].split("/")
            if part[-1].endswith((".py", ".so")):
                top.append(part[0].split(".")[0])
    return sorted(set(top))


def distributions(path):
    found = []
    for entry in path:
        for name in sorted(os.listdir(entry)):
            stem, extension = os.path.splitext(name)
            if extension in (".dist-info", ".egg-info"):
                parts = stem.split("-")
                found.append(
                    {"name": parts[0], "version": parts[1] if len(parts) > 1 else "", "modules": modules(os.path.join(entry, name))}
                )
    return found


def first(path, *names):
    for entry in path:
        if os.path.exists(os.path.join(entry, *names)):
            return os.path.join(entry, *names)
    return ""


def standard(table):
    """The hooked modules that come with Python."""
    tops = set(os.path.splitext(name)[0] for name in os.listdir(os.path.dirname(os.__file__)))
    return sorted(name for name in table if name.split(".")[0] in tops)


def sitecustomize(path):
    """The user's own, if there is one."""
    users = [entry for entry in path if not os.path.exists(os.path.join(os.path.dirname(entry), "lumigo_opentelemetry"))]
    return first(users, "sitecustomize.py") or first(users, "sitecustomize")


def package(path):
    """Our package, where it is installed."""
    directory = first(path, "lumigo_opentelemetry")
    if not directory:
        return None
    engine = os.path.join(directory, "bin", "lumigo")
    return {
        "directory": directory,
        "version": "".join(lines(directory, "VERSION")).strip(),
        "engine": os.path.exists(engine),
        "runs": os.access(engine, os.X_OK),
        # Python reads such files in its own directories alone.
        "starts": first([entry for entry in path if entry not in PYTHONPATH], "lumigo_opentelemetry.pth"),
    }


def main():
    table, plumbing = hooks()
    path = search_path()
    json.dump(
        {
            "implementation": platform.python_implementation(),
            "version": platform.python_version(),
            "number": list(sys.version_info[:2]),
            "executable": sys.executable,
            "prefix": sys.prefix,
            "hooks": table,
            "plumbing": plumbing,
            "standard": standard(table),
            "distributions": distributions(path),
            "package": package(path),
            "sitecustomize": sitecustomize(path),
        },
        sys.stdout,
    )


main()
