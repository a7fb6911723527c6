"""The ``ogcapi`` command. Errors are one line on stderr; exit codes 0 ok, 1 failed, 2 usage."""

from __future__ import annotations

import glob
import json
import re
import sys
from pathlib import Path
from typing import Any

import click

from config.errors import OgcapiError


class _Group(click.Group):
    """Turns our errors into one line and exit code 1; ``--debug`` shows the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OgcapiError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"ogcapi: {error}", err=True)
            ctx.exit(1)
        except OSError as error:
            if ctx.params.get("debug"):
                raise
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"ogcapi: {where}{error.strerror or error}", err=True)
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="destine-ogcapi", prog_name="ogcapi")
@click.option("--debug", is_flag=True, envvar="OGCAPI_DEBUG", help="Show tracebacks of errors.")
def main(debug: bool) -> None:
    """Earth-system data (Zarr, NetCDF) through the OGC APIs."""


_CONFIG = click.option(
    "--config",
    "config_dir",
    type=click.Path(path_type=Path),
    help="Folder of the configuration (YAML), or one file.",
)


@main.command()
@click.argument("paths", nargs=-1, metavar="[PATH_OR_URL]...")
@_CONFIG
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1), help="Server processes.")
def serve(
    paths: tuple[str, ...],
    config_dir: Path | None,
    host: str | None,
    port: int | None,
    workers: int | None,
) -> None:
    """Serve data: files, folders, globs or URLs, a configuration, or (given neither) the demo."""
    from config.configuration import load_configuration
    from ogcapi.app import origins
    from ogcapi.server import run

    given = {"host": host, "port": port, "workers": workers}
    settings = _settings(**{name: value for name, value in given.items() if value is not None})
    configuration = load_configuration(config_dir) if config_dir is not None else None
    for path in paths:
        _require(path)
    origins(paths, configuration)  # what is wrong in them is told here, not by each worker
    if not paths and configuration is None:
        from ogcapi.demo import CONFIGURATION, build_demo

        folder = build_demo(
            settings.state_dir / "demo", progress=lambda text: click.echo(text, err=True)
        )
        config_dir = folder / CONFIGURATION
    sys.exit(run(settings, paths, config_dir))


@main.command()
@click.argument("path", metavar="PATH_OR_URL")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(path: str, as_json: bool) -> None:
    """Tell what would be published of a file, folder or URL: collections, grid, axes, variables, what is left out."""
    from ogcapi.inspect import report, text_of

    _require(path)
    found = report(path)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else text_of(found))
    if not found["collections"]:
        raise SystemExit(1)


@main.command()
@click.option(
    "--config",
    "config_dir",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the configuration (YAML), or one file.",
)
def check(config_dir: Path) -> None:
    """Validate a configuration and open every source; one line per problem (file, key, reason)."""
    from ogcapi.inspect import check_configuration

    lines = check_configuration(config_dir)
    for line in lines:
        click.echo(line, err=True)
    if any(not line.startswith("warning:") for line in lines):
        raise SystemExit(1)
    click.echo("ok")


@main.command()
@click.argument("paths", nargs=-1, metavar="[PATH_OR_URL]...")
@_CONFIG
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "yaml"]),
    default="json",
    help="Form of the document.",
)
def openapi(paths: tuple[str, ...], config_dir: Path | None, form: str) -> None:
    """Print the API document."""
    from config.configuration import load_configuration
    from ogcapi.app import create_app

    for path in paths:
        _require(path)
    settings = _settings()
    configuration = load_configuration(config_dir) if config_dir is not None else None
    app = create_app(settings, paths=paths, configuration=configuration)
    base_url = str(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    response = app.test_client().get(f"/openapi?f={form}", base_url=base_url)
    text = response.get_data(as_text=True)
    click.echo(
        text if form == "yaml" else json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    )


def _settings(**given: Any) -> Any:
    """The settings; a wrong one is one line that names it."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from config.errors import ConfigurationError
    from config.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "OGCAPI_" + "__".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(first["msg"], key=name) from error
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = f"OGCAPI_{field[1]}".upper() if field else "OGCAPI_…"
        raise ConfigurationError("is not JSON", key=name) from error


def _require(path: str) -> None:
    """A path that names nothing is an error before anything starts."""
    if "://" in path or Path(path).exists() or glob.glob(path, recursive=True):
        return
    raise FileNotFoundError(2, "no such file or folder", path)
