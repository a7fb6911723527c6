"""The server: views, dispatcher, catalogue, pages and command line."""

__version__ = "0.1.0"
