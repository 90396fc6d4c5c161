from school import school, trainer

__all__ = ["school", "trainer"]
