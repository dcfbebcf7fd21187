"""`ciservice schema`: the JSON Schema of ciservice.yml, for editors."""

from __future__ import annotations

import json

import click

from builds.pipeline.schema import schema as schema_of_the_file
from ciservice.cli.flags import Command


@click.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of ciservice.yml, which editors check and complete it with."""
    click.echo(json.dumps(schema_of_the_file(), indent=2, ensure_ascii=False))
