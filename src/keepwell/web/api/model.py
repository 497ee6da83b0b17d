"""Which health model a request asks about."""

from keepwell.store.models import Member
from keepwell.store.read.health_model import ModelFace, access_models


def asked_model(member: Member, name: str | None) -> ModelFace | None:
    """The model of that name, or the first one where none is named."""
    models = access_models(member)
    if name is None:
        return models[0] if models else None
    return next((model for model in models if model.model == name), None)
