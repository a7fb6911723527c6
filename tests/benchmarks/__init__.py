"""What requests cost, beside the least anyone must do and beside stock pygeoapi: ``python -m tests.benchmarks``."""
