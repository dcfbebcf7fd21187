"""Everything on one machine: what `ciservice up` starts."""
