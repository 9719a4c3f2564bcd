"""Starts opentelemetry-python as its users do without code: SDK, batch processor, OTLP over HTTP."""

import setup_upstream

setup_upstream.provider()
