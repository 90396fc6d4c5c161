"""Recipes: everything that a run needs, in one folder."""

from toolkit.recipe.load import RecipeSummary, list_recipes, load_recipe, recipe_from_text, recipe_json_schema
from toolkit.recipe.nearest import did_you_mean, nearest
from toolkit.recipe.recipe import Recipe
from toolkit.recipe.schema import JUDGED, RecipeFile

__all__ = [
    "JUDGED",
    "Recipe",
    "RecipeFile",
    "RecipeSummary",
    "did_you_mean",
    "list_recipes",
    "load_recipe",
    "nearest",
    "recipe_from_text",
    "recipe_json_schema",
]
