"""Training the student: the seam, and the torch trainer."""
