"""The HTTP API below /v2: CodeShip's routes and JSON, with more beside them."""
