"""Recipes: a TOML file that declares how tasks are proposed, answered and filtered."""

from selfinstruct.recipe.files import load_recipe
from selfinstruct.recipe.sections import (
    AugmentSettings,
    Classify,
    DifficultySettings,
    Instances,
    JudgeSettings,
    NoveltySettings,
    Propose,
    Recipe,
    SemanticSettings,
)

__all__ = [
    "AugmentSettings",
    "Classify",
    "DifficultySettings",
    "Instances",
    "JudgeSettings",
    "NoveltySettings",
    "Propose",
    "Recipe",
    "SemanticSettings",
    "load_recipe",
]
