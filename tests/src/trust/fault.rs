//! What can become of one call on its way to AWS and back, and how often it does.
//!
//! Neighbours: `line` makes it happen, `history` turns the weather, `sweep` pins one fate to one call. Nothing of the
//! product is known here.

use fastrand::Rng;

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It is throttled.
    Throttled,
    /// A server error, and nothing happens.
    Failed,
    /// A server error, and it happens all the same.
    FailedAfter,
    /// The credentials have expired.
    Expired,
    /// The connection breaks before AWS has the call.
    Reset,
    /// The connection breaks after AWS has done it.
    ResetAfter,
    /// No answer, and it happens so many seconds later.
    Late(u32),
    /// AWS gets it twice; the second answer arrives.
    Twice,
    /// The answer takes so many seconds.
    Slow(u32),
    /// The answer is cut in half.
    Cut,
    /// The answer is a page of a proxy.
    Foreign,
    /// Of what was asked for, one thing could not be read: `failures[]`.
    Partial,
    /// The process dies, and AWS never sees the call.
    Dies,
    /// AWS does it, and the process dies before it hears of it.
    DiesAfter,
    /// From now on, reads see what was true up to so many seconds ago.
    Stale(u32),
}

impl Fate {
    /// What it is called in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Throttled => "throttled",
            Self::Failed => "error without effect",
            Self::FailedAfter => "error after effect",
            Self::Expired => "expired credentials",
            Self::Reset => "reset before effect",
            Self::ResetAfter => "reset after effect",
            Self::Late(_) => "effect after timeout",
            Self::Twice => "delivered twice",
            Self::Slow(_) => "slow answer",
            Self::Cut => "answer cut in half",
            Self::Foreign => "answer of a proxy",
            Self::Partial => "partial answer",
            Self::Dies => "process dies before effect",
            Self::DiesAfter => "process dies after effect",
            Self::Stale(_) => "stale reads",
        }
    }
}

/// How often calls meet one fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    chances: [(Option<Kind>, u32); 4],
}

/// The fates that weather has in store; a process is not killed by weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "as in `Fate`")]
pub enum Kind {
    Throttled,
    Failed,
    FailedAfter,
    Expired,
    Reset,
    ResetAfter,
    Late,
    Twice,
    Slow,
    Cut,
    Foreign,
    Partial,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Throttled,
        Self::Failed,
        Self::FailedAfter,
        Self::Expired,
        Self::Reset,
        Self::ResetAfter,
        Self::Late,
        Self::Twice,
        Self::Slow,
        Self::Cut,
        Self::Foreign,
        Self::Partial,
    ];

    fn fate(self, dice: &mut Rng) -> Fate {
        match self {
            Self::Throttled => Fate::Throttled,
            Self::Failed => Fate::Failed,
            Self::FailedAfter => Fate::FailedAfter,
            Self::Expired => Fate::Expired,
            Self::Reset => Fate::Reset,
            Self::ResetAfter => Fate::ResetAfter,
            Self::Late => Fate::Late(dice.u32(1..240)),
            Self::Twice => Fate::Twice,
            Self::Slow => Fate::Slow(dice.u32(1..19)),
            Self::Cut => Fate::Cut,
            Self::Foreign => Fate::Foreign,
            Self::Partial => Fate::Partial,
        }
    }
}

impl Weather {
    /// Another chance, in per cent; beyond four kinds the oldest goes.
    #[must_use]
    pub fn with(mut self, kind: Kind, percent: u32) -> Self {
        self.chances.rotate_right(1);
        self.chances[0] = (Some(kind), percent);
        self
    }

    /// The same mixture of errors at so many per cent in all.
    pub fn errors(percent: u32) -> Self {
        let part = percent / 4;
        let kinds = [Kind::Throttled, Kind::FailedAfter, Kind::Reset];
        let mixed = kinds.into_iter().fold(Self::default(), |weather, kind| weather.with(kind, part));
        mixed.with(Kind::Failed, percent - 3 * part)
    }

    /// What becomes of the next call.
    pub fn fate(&self, dice: &mut Rng) -> Fate {
        if self.chances.iter().all(|(_, percent)| *percent == 0) {
            return Fate::Answered;
        }
        let mut drawn = dice.u32(0..100);
        for (kind, percent) in self.chances {
            if let Some(kind) = kind
                && drawn < percent
            {
                return kind.fate(dice);
            }
            drawn = drawn.saturating_sub(percent);
        }
        Fate::Answered
    }
}
