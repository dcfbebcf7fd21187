"""Other systems' files as the ciservice.yml that does the same, with a note for every line that could not come along.

Pure: texts in, text and notes out; the same files always give the same answer.
"""
