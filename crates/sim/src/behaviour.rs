//! What containers do once they run, and where capacity is short: the knobs a test turns. Neighbours: `world` holds them,
//! `ecs::task` and `ecs::capacity` read them. Nothing of AWS's own rules belongs here.

/// How tasks whose image matches a pattern behave. The first match in the list wins; without a match a task is well.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// An image, where `*` stands for anything.
    pub image: String,
    /// What the first essential container does.
    pub acts: Acts,
    /// Seconds the pull of an image takes on an instance that does not have it.
    pub pull_seconds: i64,
    /// Seconds from RUNNING until the container passes its health check.
    pub healthy_after_seconds: i64,
    /// Seconds from SIGTERM until the container ends, when it ends before stopTimeout.
    pub stop_seconds: i64,
}

/// What a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acts {
    /// Runs until it is stopped.
    Runs,
    /// Ends by itself after some seconds.
    Ends {
        /// Seconds after it started.
        after_seconds: i64,
        /// Its exit code.
        exit_code: i64,
    },
    /// Runs and never passes its health check.
    NeverHealthy,
    /// The image cannot be pulled.
    PullFails {
        /// The reason, as in `CannotPullContainerError: <reason>`.
        reason: String,
    },
}

impl Behaviour {
    /// A healthy container of the images that match.
    pub fn of(image: impl Into<String>) -> Self {
        Self { image: image.into(), acts: Acts::Runs, pull_seconds: 60, healthy_after_seconds: 15, stop_seconds: 3 }
    }

    /// The same, acting in another way.
    #[must_use]
    pub fn acting(mut self, acts: Acts) -> Self {
        self.acts = acts;
        self
    }
}

/// No capacity for matching types, in one zone or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// An instance type, where `*` stands for anything.
    pub instance_type: String,
    /// A zone name such as `us-east-1a`; none means every zone.
    pub zone: Option<String>,
}

/// The state of a CloudWatch alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmState {
    /// Within its threshold.
    Ok,
    /// Gone off.
    Alarm,
    /// Not enough data.
    InsufficientData,
}

/// What the Lambda function of a lifecycle hook answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookActs {
    /// SUCCEEDED, at once.
    Succeeds,
    /// FAILED, at once.
    Fails,
    /// IN_PROGRESS, again and again.
    Hangs,
}

/// Instances of one type in one zone that a capacity reservation group holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The ARN of the resource group.
    pub group: String,
    /// An instance type.
    pub instance_type: String,
    /// A zone name such as `us-east-1a`.
    pub zone: String,
    /// How many instances can run in it at once.
    pub count: usize,
}

/// Whether a text matches a pattern whose `*` stands for any run of characters.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        assert!(matches("inf2*", "inf2.xlarge"));
        assert!(matches("*", ""));
        assert!(matches("a*c*e", "abcde"));
        assert!(!matches("inf2*", "inf1.xlarge"));
        assert!(!matches("a*c", "ab"));
    }
}
