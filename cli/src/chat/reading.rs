//! How far the person has read, told in one go: on a screen everything is read as it comes, and a
//! receipt for each entry would be as many envelopes as the conversation has.

use std::time::Duration;

use tokio::time::Instant;

/// After how long what came first is told as read. The client adds a second.
const AFTER: Duration = Duration::from_secs(9);

/// What was read of the open contact, and what of it was told.
#[derive(Debug, Default)]
pub(super) struct Reading {
    read: u64,
    told: u64,
    due: Option<Instant>,
}

impl Reading {
    /// Something that somebody else said stands on the screen now.
    pub(super) fn reads(&mut self, position: u64, now: Instant) {
        self.read = self.read.max(position);
        if self.read > self.told {
            self.due.get_or_insert(now + AFTER);
        }
    }

    /// When it is to be told.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// How far, if it is time to tell.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        self.due.filter(|due| *due <= now)?;
        self.due = None;
        self.told = self.read;
        Some(self.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_within_ten_seconds_is_told_once() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut reading = Reading::default();
        assert_eq!(reading.due(), None);
        for second in 0..5 {
            reading.reads(10 + second, after(second));
            assert_eq!(reading.take(after(second)), None);
        }
        assert_eq!(reading.due(), Some(after(9)));
        assert_eq!(reading.take(after(9)), Some(14));
        assert_eq!(reading.take(after(30)), None);
        // What was told is not told again.
        reading.reads(14, after(31));
        assert_eq!(reading.due(), None);
        reading.reads(15, after(32));
        assert_eq!(reading.take(after(41)), Some(15));
    }
}
