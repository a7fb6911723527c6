"""Stock pygeoapi inside our server: its collections and processes, answered by its own handlers."""

from ogcapi.stock.routes import Action, StockRoute
from ogcapi.stock.service import StockApi

__all__ = ["Action", "StockApi", "StockRoute"]
