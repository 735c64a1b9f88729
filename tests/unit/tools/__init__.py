"""What the build and the checks promise."""
