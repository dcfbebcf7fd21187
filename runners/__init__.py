"""The engine: how one job is executed. Knows no build, no database and no web."""
