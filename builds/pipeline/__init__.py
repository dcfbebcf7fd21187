"""Text to plan, and nothing else: no Django, no files, no network.

`make.make(files, context)` is the door; codeship.py and native.py read the two kinds of file.
"""
