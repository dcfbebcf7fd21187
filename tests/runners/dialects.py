"""The same orders for two kinds of executors: in the words of the fake, and of a shell."""

from __future__ import annotations


class Fake:
    """runners.executors.fake has the meaning of these words."""

    say = staticmethod("print {}".format)
    say_without_end = staticmethod("type {}".format)
    variable = staticmethod("print-env {}".format)
    leave = staticmethod("exit {}".format)
    write = staticmethod("write {} {}".format)
    read = staticmethod("read {}".format)
    sleep = staticmethod("sleep {}".format)
    flood = staticmethod("flood {}".format)


class Shell:
    """What a POSIX shell with busybox understands."""

    say = staticmethod("echo '{}'".format)
    say_without_end = staticmethod("printf '%s' '{}'".format)
    variable = staticmethod('if [ -n "${{{0}+x}}" ]; then echo "{0}=${{{0}}}"; else echo {0}; fi'.format)
    leave = staticmethod("exit {}".format)
    write = staticmethod("echo '{1}' > {0}".format)
    read = staticmethod("cat {}".format)
    sleep = staticmethod("sleep {}".format)
    flood = staticmethod("yes {} | head -c {{}}".format("x" * 99).format)


def lines(*orders: str) -> str:
    """A script."""
    return "\n".join(orders)
