//! System lines: what commits mean to people.

use super::context::Context;
use super::conversation::Conversation;
use super::timeline::{entry_key, item};
use super::{Author, ItemBody, MessageState, System};
use crate::contact::{Change, Log, Reason};
use crate::gather::Gather;
use crate::wire::DeviceId;

impl Conversation {
    /// Shows a commit that is in force. `before` is the log before it.
    pub(super) fn show_commit(
        &mut self,
        cx: &mut Context,
        position: u64,
        before: Option<&Log>,
        change: &Change,
    ) {
        let (Some(log), Some(epoch)) = (&self.log, self.epochs.last()) else {
            return;
        };
        let core = epoch.commit.core();
        // Whoever left is described by the log before.
        let author = |device: &DeviceId| -> Author {
            let known = log.credential(device).is_some();
            cx.author(device, if known { Some(log) } else { before })
        };
        let policy = cx.account.policy_at(&core.policy.hash, core.time).ok();
        let team_name = |id: &String| {
            policy
                .and_then(|policy| policy.team(id))
                .map_or_else(|| id.clone(), |team| team.name.clone())
        };
        let history = core.history.is_some();
        let system = match change.reason {
            Reason::Create => System::Created,
            Reason::Claim => System::Joined {
                replaced: change.replaced.as_ref().map(author),
            },
            Reason::Transfer => System::Transferring {
                to: change.added.first().map(|member| author(&member.device)),
                team: change.teams_added.first().map(|team| team_name(&team.team)),
                history,
            },
            Reason::Invite => match change.added.first() {
                Some(member) => System::Invited {
                    who: author(&member.device),
                    history,
                },
                None => System::Rekeyed,
            },
            Reason::Remove => System::Removed {
                who: change
                    .removed
                    .iter()
                    .map(|member| author(&member.device))
                    .gather(),
                teams: change
                    .teams_removed
                    .iter()
                    .map(|team| team_name(&team.team))
                    .gather(),
            },
            Reason::Rekey => System::Rekeyed,
            Reason::Close => System::Closed,
        };
        let shown = item(
            entry_key(position),
            Some(position),
            core.time,
            Some(author(&change.committer)),
            ItemBody::System(system),
            MessageState::None,
        );
        self.put(cx, shown);
    }
}
