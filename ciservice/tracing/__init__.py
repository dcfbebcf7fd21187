"""Traces of a push from its webhook to the message about it, made of the rows once they say how it went.

Nothing is measured on the way: every moment is in the database, so a trace costs a push nothing and survives every
crash. Ids are made of the rows' own, so that spans which are told later, or twice, find their place.
"""
