"""Export: a trained student as files for other programs, checked against the student itself."""
