"""ops: the command line, the process tree, the tick, the demo, doctor. Holds no rule of the news itself."""
