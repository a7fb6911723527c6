"""The stations of the demo: well-known cities, rounded coordinates, heights in metres."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A station: degrees east and north, metres above sea level."""

    name: str
    longitude: float
    latitude: float
    height: float


PLACES = (
    Place("Reykjavik", -21.90, 64.13, 52), Place("Dublin", -6.26, 53.35, 20),
    Place("Lisbon", -9.14, 38.72, 77), Place("Madrid", -3.70, 40.42, 667),
    Place("London", -0.13, 51.51, 25), Place("Paris", 2.35, 48.86, 75),
    Place("Brussels", 4.35, 50.85, 55), Place("Bonn", 7.10, 50.73, 60),
    Place("Bologna", 11.34, 44.49, 54), Place("Rome", 12.50, 41.90, 20),
    Place("Oslo", 10.75, 59.91, 23), Place("Stockholm", 18.07, 59.33, 28),
    Place("Helsinki", 24.94, 60.17, 26), Place("Tromso", 18.96, 69.65, 10),
    Place("Warsaw", 21.01, 52.23, 100), Place("Vienna", 16.37, 48.21, 171),
    Place("Budapest", 19.04, 47.50, 102), Place("Bucharest", 26.10, 44.43, 80),
    Place("Athens", 23.73, 37.98, 107), Place("Istanbul", 28.98, 41.01, 40),
    Place("Cairo", 31.24, 30.04, 23), Place("Nairobi", 36.82, -1.29, 1795),
    Place("Cape Town", 18.42, -33.93, 25), Place("Dakar", -17.44, 14.69, 22),
    Place("Delhi", 77.21, 28.61, 216), Place("Singapore", 103.82, 1.35, 15),
    Place("Beijing", 116.41, 39.90, 44), Place("Tokyo", 139.69, 35.69, 40),
    Place("Novosibirsk", 82.92, 55.03, 150), Place("Yakutsk", 129.73, 62.03, 95),
    Place("Sydney", 151.21, -33.87, 39), Place("Auckland", 174.76, -36.85, 26),
    Place("Suva", 178.44, -18.14, 6), Place("Apia", -171.77, -13.83, 2),
    Place("Honolulu", -157.86, 21.31, 6), Place("Anchorage", -149.90, 61.22, 31),
    Place("Vancouver", -123.12, 49.28, 70), Place("New York", -74.01, 40.71, 10),
    Place("Mexico City", -99.13, 19.43, 2240), Place("Bogota", -74.07, 4.71, 2640),
    Place("Manaus", -60.02, -3.12, 92), Place("Buenos Aires", -58.38, -34.60, 25),
    Place("Punta Arenas", -70.92, -53.16, 34),
)  # fmt: skip
