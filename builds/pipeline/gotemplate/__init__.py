"""Go's text/template, as far as CodeShip's files can use it: `image_tag` of push steps, and build arguments.

`expand.py` is the door. No loops and no recursion: work and output are bounded by the text and by a budget.
"""
