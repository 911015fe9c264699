"""What can happen to a space, its members and its items."""

from __future__ import annotations

from collab.core.events import Event


class SpaceOpened(Event, name="space.opened"):
    pass


class SpaceRevised(Event, name="space.revised"):
    pass


class SpaceArchived(Event, name="space.archived"):
    pass


class SpaceReopened(Event, name="space.reopened"):
    pass


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
    member_id: int


class MemberLeft(Event, name="member.left"):
    member_id: int


class MemberRemoved(Event, name="member.removed"):
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
    pass


class ItemRevised(Event, name="item.revised"):
    number: int = 0


class ItemWithdrawn(Event, name="item.withdrawn"):
    pass


class ItemRestored(Event, name="item.restored"):
    pass


class ItemErased(Event, name="item.erased"):
    """Its words are gone for good; it was taken back before."""


class ItemConfirmed(Event, name="item.confirmed"):
    """The host of a remote space has confirmed what was written here."""


class ItemRefused(Event, name="item.refused"):
    """The host of a remote space has refused what was written here."""


class ItemPinned(Event, name="item.pinned"):
    pass


class ItemUnpinned(Event, name="item.unpinned"):
    pass


class Reacted(Event, name="item.reacted"):
    sign: str
    iri: str


class Unreacted(Event, name="item.unreacted"):
    sign: str
    iri: str


class OfferMade(Event, name="offer.made"):
    offer_id: int


class OfferAnswered(Event, name="offer.answered"):
    offer_id: int
    state: str
