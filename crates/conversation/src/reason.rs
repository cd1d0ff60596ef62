//! Why nobody is told.

use crate::words::words;

words! {
    /// Why an event leads to no push for somebody (X2): given in each [`Suppressed`](crate::output::Suppressed). Use
    /// its name as the code of a counter, and to answer why a push did not come.
    Reason {
        /// A system message (E1).
        SystemMessage = "system_message",
        /// Bot messages are off (E1).
        BotMessage = "bot_message",
        /// Participants of this type are not told (E1, E5).
        RoleOff = "role_off",
        /// This kind of event is off.
        KindOff = "kind_off",
        /// The kill switch is on, for everything (E1).
        KilledAll = "killed_all",
        /// The kill switch is on for all channels that were left (E1).
        KilledChannel = "killed_channel",
        /// The kill switch is on for this type of participant (E1).
        KilledRole = "killed_role",
        /// The matrix has no channel for it (E5).
        NoChannel = "no_channel",
        /// There is nobody to tell.
        NoRecipient = "no_recipient",
        /// The same event within the window (B6), or one that is known to be the same.
        Duplicate = "duplicate",
        /// Read before it came.
        ReadBefore = "read_before",
        /// It came too late to be of use (B5, D2).
        Late = "late",
        /// The client joins by itself (E3).
        AutoJoin = "auto_join",
        /// Presence says that the person is not available, and the rules believe it (B8).
        Presence = "presence",
        /// The customer's own leg (B7).
        CustomersLeg = "customers_leg",
        /// There is no ring to take back.
        NothingRings = "nothing_rings",
        /// Its cancel came first (B7).
        CancelledBefore = "cancelled_before",
        /// The call was answered, or over, before this offer (B7).
        AnsweredBefore = "answered_before",
        /// It is about an earlier ring than the one that rings (B6).
        EarlierEpisode = "earlier_episode",
        /// The person declined: nothing was missed (E3).
        DeclinedBefore = "declined_before",
        /// To a queue, not to an agent (E4).
        ToQueue = "to_queue",
        /// Who did it is the one who would be told.
        ToSender = "to_sender",
        /// No pushes were asked for (D).
        NotRequested = "not_requested",
        /// It was sent already (D1).
        AlreadySent = "already_sent",
        /// The wait was low when the callback was created (D1).
        LowAtCreation = "low_at_creation",
        /// The wait is not below the threshold (D1).
        NotBelow = "not_below",
        /// Business closes first (D1).
        Closed = "closed",
        /// Not in this scenario: call-in against call-back (D2, D4).
        OtherMode = "other_mode",
        /// Rescheduled, so it was not lost (D3).
        Rescheduled = "rescheduled",
        /// The customer cancelled it themselves (D3).
        CancelledByCustomer = "cancelled_by_customer",
        /// The callback is over.
        CallbackOver = "callback_over",
        /// There is no callback.
        NoCallback = "no_callback",
        /// Nothing is shown that could be taken back (E2).
        NothingShown = "nothing_shown",
        /// Something is still unread (E2).
        StillUnread = "still_unread",
        /// An earlier read said as much.
        AlreadyRead = "already_read",
        /// The person does not take part.
        NotParticipant = "not_participant",
        /// The conversation is over.
        ConversationOver = "conversation_over",
        /// A bound of the machine is reached; see the rules' `memory`.
        Full = "full",
    }
}
