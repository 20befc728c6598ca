"""What can be wrong with an editor's act."""

from handbill.kit.errors import GiveUp


class ChangedSince(GiveUp):
    """The stories are not any more as the editor saw them: nothing was changed, and looking again is all there is."""
