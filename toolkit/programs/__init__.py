"""Data programs: the sandbox they run in, the functions they call, and a library of them."""
