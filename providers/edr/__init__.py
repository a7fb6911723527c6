"""Cells of EDR queries: areas, circles, paths and corridors (OGC 19-086, clause 8.2)."""
