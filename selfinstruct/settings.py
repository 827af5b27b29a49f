"""What decides the bytes of a run, frozen when it begins.

Decides: which settings are part of a run's identity, and how they are written to run.toml. Does
not know: the run folder, or who gave the settings.
"""

import unicodedata
from typing import Any

import msgspec

from selfinstruct.engines.base import EngineInfo
from selfinstruct.prompts import Prompts
from selfinstruct.recipe import Recipe
from selfinstruct.task import Task, digest, to_json
from selfinstruct.topics import Steering

FORMAT = 1
"""Raised when the same journal would give other rows: older runs are then refused."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides the bytes of a run, beside what the model answers.

    `judge` is the model that judges tasks, where that is another one.
    """

    seeds_name: str
    seeds: tuple[Task, ...]
    recipe: Recipe
    prompts: Prompts
    engine: EngineInfo
    language: str
    seed: int = 42
    prompts_per_round: int = 40
    max_tokens_per_round: int = 0
    steering: Steering | None = None
    judge: EngineInfo | None = None

    def fingerprint(self) -> dict[str, str]:
        """Return what must be equal for a run to be resumed: name to value or digest."""
        seeds = digest(to_json(self.seeds).decode(), 32)
        some = {"topics": self.steering.fingerprint()} if self.steering else {}
        if self.judge:
            some["judge"] = f"{self.judge.model} {self.judge.revision}".strip()
        return {
            "format": str(FORMAT),
            "seeds": f"{self.seeds_name} {seeds}",
            "recipe": f"{self.recipe.name} {self.recipe.digest()}",
            "prompts": self.prompts.digest(),
            "model": f"{self.engine.model} {self.engine.revision}".strip(),
            "model-licence": self.engine.licence,
            "language": self.language,
            "seed": str(self.seed),
            "prompts-per-round": str(self.prompts_per_round),
            "max-tokens-per-round": str(self.max_tokens_per_round),
            **some,
        }

    def frozen(self, version: str) -> dict[str, Any]:
        """Return the content of run.toml: the fingerprint and all that it stands for."""
        tree = {
            "fingerprint": self.fingerprint(),
            "versions": {"selfinstruct": version, "unicode": unicodedata.unidata_version},
            "engine": msgspec.to_builtins(self.engine),
            "prompts": self.prompts.texts,
            "recipe": msgspec.to_builtins(self.recipe),
        }
        if self.judge:
            tree["judge"] = msgspec.to_builtins(self.judge)
        if self.steering:
            tree["steering"] = msgspec.to_builtins(self.steering)
        return {name: _without_none(value) for name, value in tree.items()}


def thawed(tree: dict[str, Any], seeds: tuple[Task, ...]) -> Settings:
    """Return the settings that `frozen` made this of; raise ValueError where that is impossible."""
    fingerprint = tree["fingerprint"]
    try:
        return Settings(
            seeds_name=fingerprint["seeds"].rpartition(" ")[0],
            seeds=seeds,
            recipe=msgspec.convert(tree["recipe"], Recipe),
            prompts=Prompts(dict(tree["prompts"])),
            engine=msgspec.convert(tree["engine"], EngineInfo),
            language=fingerprint["language"],
            seed=int(fingerprint["seed"]),
            prompts_per_round=int(fingerprint["prompts-per-round"]),
            max_tokens_per_round=int(fingerprint["max-tokens-per-round"]),
            steering=msgspec.convert(tree.get("steering"), Steering | None),
            judge=msgspec.convert(tree.get("judge"), EngineInfo | None),
        )
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from error


def _without_none(value: Any) -> Any:  # noqa: ANN401 (a tree of builtins)
    """Drop None values: TOML has none."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
