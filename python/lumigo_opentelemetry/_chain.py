"""Lets the app's own sitecustomize run after ours, as if ours did not exist.

Python 2.7 reads this file too.
"""

import os
import sys


def give_way(directory):
    """Take directory off sys.path and import the next sitecustomize there is. Whatever that
    raises is for site.py to report, in the words it has for it."""
    here = os.path.abspath(directory)
    sys.path[:] = [entry for entry in sys.path if entry != directory and os.path.abspath(entry) != here]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        if not _is_absent(sys.exc_info()[1]):
            raise
        if ours is not None:
            sys.modules["sitecustomize"] = ours


def _is_absent(err):
    if hasattr(err, "name"):
        return err.name == "sitecustomize"
    return str(err) == "No module named sitecustomize"
