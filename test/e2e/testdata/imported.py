"""Runs the script in argv[1] with the distro activated by an import before it."""

import runpy
import sys

import lumigo_opentelemetry  # noqa: F401

del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
