"""`ciservice schema`: what it prints is a schema that knows the file's keys."""

from __future__ import annotations

import json

import jsonschema_rs


def test_the_schema_takes_a_file_and_refuses_a_misspelt_one(command):
    result = command("ciservice", "schema")

    assert (result.returncode, result.stderr) == (0, "")
    schema = jsonschema_rs.validator_for(json.loads(result.stdout))
    assert schema.is_valid({"steps": ["make"]})
    assert not schema.is_valid({"stesp": ["make"]})
