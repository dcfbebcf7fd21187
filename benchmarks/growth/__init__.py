"""What one build costs when there is much else: history, queue, viewers; and what more runners bring."""
