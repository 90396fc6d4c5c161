"""Students: a small model that answers, as it is or with a trained adapter."""
