"""CF conventions: packing and missing values, calendars, axes and grids found from attributes."""
