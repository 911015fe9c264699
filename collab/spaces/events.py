"""What can happen to a space, its members and its items."""

from __future__ import annotations

from collab.core.events import Event


class SpaceOpened(Event, name="space.opened"):
    """`actor_id` has opened the space."""


class SpaceRevised(Event, name="space.revised"):
    """It has new words or settings."""


class SpaceArchived(Event, name="space.archived"):
    """It can be read and no longer written in."""


class SpaceReopened(Event, name="space.reopened"):
    """It can be written in again."""


class SpaceMoved(Event, name="space.moved"):
    """The project is somewhere else now; `target` is the IRI it has there."""

    target: str = ""


class SpaceFollowed(Event, name="space.followed"):
    """An actor follows, or (on the follower's instance) asks to follow."""


class SpaceUnfollowed(Event, name="space.unfollowed"):
    """`follow_iri` is the Follow that is undone; its row is gone when this is told."""

    follow_iri: str = ""


class MemberAsked(Event, name="member.asked"):
    """`actor_id` asks to join."""


class MemberAdmitted(Event, name="member.admitted"):
    """`member_id` is a member from now on, with `role`; `actor_id` decided it."""

    member_id: int
    role: int


class MemberRefused(Event, name="member.refused"):
    """A facilitator said no to `member_id`, who asked."""

    member_id: int


class RequestWithdrawn(Event, name="member.withdrawn"):
    """`member_id` asks to take part no longer: a matter between them and who would have decided."""

    member_id: int


class MemberLeft(Event, name="member.left"):
    """`member_id` takes part no longer, by their own will."""

    member_id: int


class MemberRemoved(Event, name="member.removed"):
    """A facilitator took `member_id` out; an invitation made later lets them in again."""

    member_id: int


class MemberExcluded(Event, name="member.excluded"):
    """`member_id` may not take part any more: `iri` is the Block, `until` RFC 3339 or "".

    `follow_iri` is the Follow that ends with it, "" when there was none.
    """

    member_id: int
    iri: str
    reason: str = ""
    until: str = ""
    follow_iri: str = ""


class MemberReadmitted(Event, name="member.readmitted"):
    """The exclusion that `iri` names is lifted; they may ask to take part again."""

    member_id: int
    iri: str
    reason: str = ""
    until: str = ""


class RoleChanged(Event, name="member.role"):
    """`former` is the Grant that the new one takes the place of; "" when there was none."""

    member_id: int
    role: int
    former: str = ""


class GrantRenewed(Event, name="member.renewed"):
    """The same place for another year: `former` is the Grant that ends soon."""

    member_id: int
    role: int
    former: str = ""


class DecisionAsked(Event, name="member.decision"):
    """On a copy: a facilitator asks the project's host to decide about `member_id`.

    Of an exclusion the words that say why, and its end (ISO 8601; "": none).
    """

    member_id: int
    decision_id: int
    reason: str = ""
    until: str = ""


class MemberInvited(Event, name="member.invited"):
    """`member_id`, of another instance than the project, is asked to take part."""

    member_id: int
    role: int


class InvitationAnswered(Event, name="invitation.answered"):
    """On the instance of whoever was asked: `actor_id` says yes or no."""

    accepted: bool


class InvitationDeclined(Event, name="invitation.declined"):
    """On the project's host: `member_id` said no."""

    member_id: int


class ItemPublished(Event, name="item.published"):
    """The item is there, with its first text."""


class ItemRevised(Event, name="item.revised"):
    """It has a new text: its revision of that `number`."""

    number: int = 0


class ItemWithdrawn(Event, name="item.withdrawn"):
    """It was taken back; for a while it can be brought back."""


class ItemRestored(Event, name="item.restored"):
    """It was brought back."""


class ItemErased(Event, name="item.erased"):
    """Its words are gone for good; it was taken back before."""


class ItemConfirmed(Event, name="item.confirmed"):
    """The host of a remote space has confirmed what was written here."""


class ItemRefused(Event, name="item.refused"):
    """The host of a remote space has refused what was written here."""


class ItemPinned(Event, name="item.pinned"):
    """It stays at the top of its room."""


class ItemUnpinned(Event, name="item.unpinned"):
    """It does no longer."""


class HostAsked(Event, name="item.asked"):
    """On a copy: a facilitator asks the project's host to do `act` (see `asking`)."""

    act: str


class Reacted(Event, name="item.reacted"):
    """`actor_id` said `sign` of the item; `iri` names that reaction."""

    sign: str
    iri: str


class Unreacted(Event, name="item.unreacted"):
    """The reaction that `iri` names is taken back; its row is gone when this is told."""

    sign: str
    iri: str


class OfferMade(Event, name="offer.made"):
    """Somebody of here offers a change to the host of a space of elsewhere."""

    offer_id: int


class OfferAnswered(Event, name="offer.answered"):
    """The host has answered; `state` is one of OfferState."""

    offer_id: int
    state: str
