"""The command line, the demo and its observer: the only place that knows every program."""
