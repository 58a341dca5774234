"""What is made of an executable so that people can install it."""
