"""What requests cost, beside the least anyone must do and beside stock software: ``python -m tests.benchmarks``."""
