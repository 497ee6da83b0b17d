"""What every page carries: who is signed in, which health model, theme, density, and the banner of a demo."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from django.http import HttpRequest

from keepwell.store.models import Member, Sending
from keepwell.store.read.health_model import ModelFace, access_models
from keepwell.store.read.sending import read_sending
from keepwell.store.read.source import manages_sources
from keepwell.web.demo import is_demo

Theme = Literal["", "light", "dark"]
MODEL_KEY = "model"


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a switch."""

    value: str
    title: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class EmptyState:
    """Why there is nothing, and the one thing to do about it; never a bare zero."""

    kind: Literal["first_use", "all_clear", "no_results", "no_access", "no_data"]
    title: str
    text: str
    action: str = ""
    href: str = ""


NO_SCORES = EmptyState(
    "first_use",
    "No scores yet",
    "Import events with 'keepwell import FILE --map MAP.yaml', then run 'keepwell score'. "
    "To look around first, 'keepwell demo' fills a company with made-up accounts.",
)


def member_of(request: HttpRequest) -> Member:
    """The member who asks; every view behind sign-in has one."""
    return cast("Member", request.user)


def chosen_model(request: HttpRequest, models: list[ModelFace]) -> ModelFace | None:
    """The model in the address, or the one looked at last, or the first."""
    by_name = {model.model: model for model in models}
    for name in (request.GET.get(MODEL_KEY), request.session.get(MODEL_KEY)):
        if name in by_name:
            if request.session.get(MODEL_KEY) != name:
                request.session[MODEL_KEY] = name
            return by_name[name]
    return models[0] if models else None


def model_choices(models: list[ModelFace], chosen: ModelFace | None) -> list[Choice]:
    titles = [model.title for model in models]
    return [
        Choice(
            value=model.model,
            title=model.title if titles.count(model.title) == 1 else f"{model.title} ({model.model})",
            is_chosen=chosen is not None and model.model == chosen.model,
        )
        for model in models
    ]


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor of every template."""
    theme = request.COOKIES.get("theme", "")
    density = request.COOKIES.get("density", "")
    member = getattr(request, "user", None)
    return {
        "theme": theme if theme in {"light", "dark"} else "",
        "density": "compact" if density == "compact" else "comfortable",
        "is_demo": is_demo(),
        "stop": _stop() if isinstance(member, Member) else None,
        "shows_sources": isinstance(member, Member) and manages_sources(member),
    }


def _stop() -> Sending | None:
    """Who stopped all messages and when, while they are."""
    row = read_sending()
    return row if row.is_stopped else None


def models_for(request: HttpRequest) -> tuple[list[ModelFace], ModelFace | None]:
    models = access_models(member_of(request))
    return models, chosen_model(request, models)
