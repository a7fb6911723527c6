"""What every test needs."""

import providers.grib.library  # noqa: F401 - before any test imports ecCodes: the order of libraries matters
