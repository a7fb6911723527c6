"""Providers for a stock pygeoapi over the same store, cubes, formats and renderer as the server's own views.

They are named in pygeoapi's YAML by dotted path::

    providers:
      - type: coverage
        name: providers.plugins.coverage.CoverageProvider
        data: /data/era5.zarr         # a file, folder, glob or URL
        cube: pl                      # only where the data hold several cubes: which one
        options: {crs: EPSG:3035}     # what the data fail to say of their grid
        format: {name: NetCDF, mimetype: application/x-netcdf}

``providers.plugins.edr.EdrProvider`` (type ``edr``) and ``providers.plugins.map.MapProvider`` (type ``map``) take the
same keys.
"""
