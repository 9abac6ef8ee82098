//! Lengths of time for people: `45s`, `6m12s`, `3h05m`, `12d`. Neighbours: `status` and `progress`. Not here: clocks.

use jiff::{SignedDuration, Timestamp};

/// A length of time in at most two units.
pub(crate) fn lasting(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, ..) => format!("{hours}h{:02}m", minutes % 60),
        (1..=2, ..) => format!("{days}d{:02}h", hours % 24),
        _ => format!("{days}d"),
    }
}

/// How long ago something was.
pub(crate) fn age(now: Timestamp, then: Timestamp) -> String {
    lasting(now.duration_since(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        let shown = [-3, 0, 45, 60, 372, 3600, 11_100, 90_000, 300_000].map(|s| lasting(SignedDuration::from_secs(s)));
        assert_eq!(shown, ["0s", "0s", "45s", "1m00s", "6m12s", "1h00m", "3h05m", "1d01h", "3d"]);
    }
}
