"""The words of the domain: pure, standard library only, imported by every program."""
