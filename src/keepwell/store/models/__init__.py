from keepwell.store.models.account import Account, Contact
from keepwell.store.models.audit import AuditEntry
from keepwell.store.models.claim import NamedClaim
from keepwell.store.models.document import Document
from keepwell.store.models.enrolment import EnrolmentRecord, OfferRecord, StepRecord, Task
from keepwell.store.models.event_name import EventName
from keepwell.store.models.import_run import ImportRun
from keepwell.store.models.intake import InboxBatch, KnownFrom, LedgerCount, RejectedEvent, SealPlan, TouchedAccount
from keepwell.store.models.mapping import Derivation, MappingVersion
from keepwell.store.models.member import Member
from keepwell.store.models.notification import Notification, NotificationRoute, RoleHolder
from keepwell.store.models.package import ModelVersion
from keepwell.store.models.score import CurrentScore, ScoreRecord
from keepwell.store.models.segment import SegmentAccount
from keepwell.store.models.signal import (
    AccountLook,
    Alert,
    ImportedAccount,
    Milestone,
    Opportunity,
    OpportunitySign,
    SignalEpisode,
)
from keepwell.store.models.source import ApiKey, Source
from keepwell.store.models.stall import AuditorLook, Stall
from keepwell.store.models.telling import PullPosition, Telling
from keepwell.store.models.touch import OptOut, Sending, Touch

__all__ = [
    "Account",
    "AccountLook",
    "Alert",
    "ApiKey",
    "AuditEntry",
    "AuditorLook",
    "Contact",
    "CurrentScore",
    "Derivation",
    "Document",
    "EnrolmentRecord",
    "EventName",
    "ImportRun",
    "ImportedAccount",
    "InboxBatch",
    "KnownFrom",
    "LedgerCount",
    "MappingVersion",
    "Member",
    "Milestone",
    "ModelVersion",
    "NamedClaim",
    "Notification",
    "NotificationRoute",
    "OfferRecord",
    "Opportunity",
    "OpportunitySign",
    "OptOut",
    "PullPosition",
    "RejectedEvent",
    "RoleHolder",
    "ScoreRecord",
    "SealPlan",
    "SegmentAccount",
    "Sending",
    "SignalEpisode",
    "Source",
    "Stall",
    "StepRecord",
    "Task",
    "Telling",
    "Touch",
    "TouchedAccount",
]
