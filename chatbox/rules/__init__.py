"""Rules without I/O, without waiting and without a clock."""
