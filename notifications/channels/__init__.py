"""How messages go out: one module a channel, each with `send(message)`, which raises DeliveryError."""
