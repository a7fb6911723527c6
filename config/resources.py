"""What one resource of the configuration says: pygeoapi's part as it is, and ours, typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from config.extents import normalised

#: plain text, or one text per language
Text = str | dict[str, str]
Texts = list[str] | dict[str, list[str]]

Kind = Literal[
    "instantaneous",
    "accumulated",
    "mean",
    "minimum",
    "maximum",
    "direction",
    "component",
    "categorical",
]

PYGEOAPI_KEYS = frozenset(
    {
        "type",
        "visibility",
        "title",
        "description",
        "keywords",
        "linked-data",
        "links",
        "extents",
        "limits",
        "providers",
        "formatters",
        "processor",
        "allow_internal_requests",
    }
)


def _as_text(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int | float) else value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Where the data are: files, folders, globs or URLs, joined by their metadata.

    Written as one path, a list of paths, or a mapping with ``path`` or ``paths``.
    """

    paths: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Files, folders, globs, URLs (or one as `path`)."),
    ]
    reader: Annotated[
        str | None, Field(description="Name of the reader, where the data do not tell.")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: object) -> object:
        if isinstance(value, str):
            return {"paths": [value]}
        if isinstance(value, list | tuple):
            return {"paths": value}
        if isinstance(value, Mapping) and "path" in value:
            if "paths" in value:
                raise ValueError("has both path and paths")
            rest = {name: item for name, item in value.items() if name != "path"}
            return {"paths": [value["path"]], **rest}
        return value

    def beside(self, folder: Path) -> Source:
        """The same source with relative paths taken from ``folder``."""
        return self.model_copy(update={"paths": tuple(_located(p, folder) for p in self.paths)})


def _located(path: str, folder: Path) -> str:
    return path if "://" in path else str(folder / Path(path).expanduser())


class GridHints(_Part):
    """The grid, where the data do not say it (or say it wrong)."""

    type: Annotated[
        Literal["healpix", "rectilinear", "curvilinear", "points"] | None,
        Field(description="Kind of grid."),
    ] = None
    nside: Annotated[int | None, Field(gt=0, description="HEALPix: cells along a base cell.")] = (
        None
    )
    order: Annotated[
        Literal["nested", "ring"] | None, Field(description="HEALPix: order of the cells.")
    ] = None
    index: Annotated[
        str | None, Field(description="HEALPix: variable with the cell numbers of a partial grid.")
    ] = None
    longitude: Annotated[str | None, Field(description="Variable with the longitudes.")] = None
    latitude: Annotated[str | None, Field(description="Variable with the latitudes.")] = None
    coordinates: Annotated[
        str | None,
        Field(description="Unstructured GRIB: NetCDF or Zarr file with the cells' coordinates."),
    ] = None
    radius_km: Annotated[
        float | None, Field(gt=0, description="Points: how far from a point its value is answered.")
    ] = None

    def beside(self, folder: Path) -> GridHints:
        """The same hints with a relative path taken from ``folder``."""
        if self.coordinates is None:
            return self
        return self.model_copy(update={"coordinates": _located(self.coordinates, folder)})


class Variable(_Part):
    """What is said of one variable instead of what the data say."""

    title: Annotated[Text | None, Field(description="Title.")] = None
    description: Annotated[Text | None, Field(description="Description.")] = None
    units: Annotated[str | None, Field(description="Units of the stored values (UDUNITS).")] = None
    standard_name: Annotated[str | None, Field(description="CF standard name.")] = None
    kind: Annotated[Kind | None, Field(description="What may be done to the values.")] = None
    style: Annotated[str | None, Field(description="Style a map is drawn with by default.")] = None
    range: Annotated[
        tuple[float, float] | None, Field(description="Smallest and largest value of the colours.")
    ] = None
    hidden: Annotated[bool, Field(description="Not published.")] = False


class Resource(BaseModel):
    """One collection or process. ``stock`` ones have providers and no ``source``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    file: str
    type: Literal["collection", "process", "stac-collection"] = "collection"
    title: Text | None = None
    description: Text | None = None
    keywords: Texts = Field(default_factory=list)
    links: list[dict[str, Any]] = Field(default_factory=list)
    extents: dict[str, Any] = Field(default_factory=dict)
    providers: list[dict[str, Any]] = Field(default_factory=list)
    visibility: Literal["default", "hidden"] = "default"

    source: Annotated[
        Source | None, Field(description="The data, from which every view is made.")
    ] = None
    grid: Annotated[
        GridHints | None, Field(description="The grid, where the data fail to say.")
    ] = None
    crs: Annotated[str | None, Field(description="CRS of the data, where they do not say it.")] = (
        None
    )
    variables: Annotated[
        dict[str, Variable],
        Field(default_factory=dict, description="Variable id → what is said of it."),
    ]
    derived: Annotated[
        tuple[Literal["speed", "direction"], ...],
        Field(
            description="Computed from pairs of vector components: speed and direction of wind, currents and ice."
        ),
    ] = ()
    styles: Annotated[
        dict[str, dict[str, Any]],
        Field(default_factory=dict, description="Style id → style of maps."),
    ]
    access: Annotated[
        str | dict[str, Any] | None, Field(description="Who may see and read the collection.")
    ] = None
    price: Annotated[
        float | dict[str, Any] | None, Field(description="What a request is charged.")
    ] = None
    trace: Annotated[
        bool | dict[str, Any] | None, Field(description="What is recorded of answers.")
    ] = None
    license: Annotated[
        str | dict[str, Any] | None,
        Field(description="Licence: SPDX id, URL, or `name` and `url`."),
    ] = None
    attribution: Annotated[
        Text | None, Field(description="Credit that has to stand beside the data.")
    ] = None
    citation: Annotated[str | None, Field(description="How the data are cited.")] = None
    doi: Annotated[
        str | None, Field(pattern=r"^10\.\d{4,9}/\S+$", description="DOI of the data (10.…/…).")
    ] = None
    version: Annotated[
        str | None, BeforeValidator(_as_text), Field(description="Version of the data.")
    ] = None

    @field_validator("extents")
    @classmethod
    def _times(cls, value: dict[str, Any]) -> dict[str, Any]:
        return normalised(value)

    @property
    def stock(self) -> bool:
        """Whether pygeoapi's own handlers answer it."""
        return self.source is None


OUR_KEYS = frozenset(
    name for name, field in Resource.model_fields.items() if field.description is not None
)
