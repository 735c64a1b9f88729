"""What the project is built and checked with. Nothing here is installed with the product."""
