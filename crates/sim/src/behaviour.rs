//! What containers do once they run, and where capacity is short: the knobs a test turns. Neighbours: `world` holds them,
//! `ecs::task` and `ecs::capacity` read them. Nothing of AWS's own rules belongs here.

use std::collections::BTreeMap;

/// How tasks behave whose image matches a pattern and whose environment fits. The newest that matches wins; without a match a task
/// is well.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// An image, where `*` stands for anything.
    pub image: String,
    /// Variables of the container's environment and patterns of their values, where `*` stands for anything; all must fit. The
    /// environment is the definition's with what RunTask overrides.
    pub environment: Vec<(String, String)>,
    /// What the first essential container does.
    pub acts: Acts,
    /// Seconds the pull of an image takes on an instance that does not have it.
    pub pull_seconds: i64,
    /// Seconds from RUNNING until the container passes its health check.
    pub healthy_after_seconds: i64,
    /// Seconds from SIGTERM until the container ends, when it ends before stopTimeout.
    pub stop_seconds: i64,
    /// Lines that the first essential container writes, each with the seconds after its start.
    pub says: Vec<(i64, String)>,
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
    /// Is killed after some seconds for the memory it uses: exit code 137 and the container's reason `OutOfMemoryError`.
    RunsOutOfMemory {
        /// Seconds after it started.
        after_seconds: i64,
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
        Self {
            image: image.into(),
            environment: Vec::new(),
            acts: Acts::Runs,
            pull_seconds: 60,
            healthy_after_seconds: 15,
            stop_seconds: 3,
            says: Vec::new(),
        }
    }

    /// The same for those tasks alone in whose environment the variable has a value that matches.
    #[must_use]
    pub fn when(mut self, variable: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((variable.into(), value.into()));
        self
    }

    /// The same, writing a line so many seconds after its start.
    #[must_use]
    pub fn saying(mut self, after_seconds: i64, line: impl Into<String>) -> Self {
        self.says.push((after_seconds, line.into()));
        self
    }

    /// The same, acting in another way.
    #[must_use]
    pub fn acting(mut self, acts: Acts) -> Self {
        self.acts = acts;
        self
    }
}

impl Behaviour {
    pub(crate) fn fits(&self, image: &str, environment: &BTreeMap<String, String>) -> bool {
        let same = |(name, value): &(String, String)| environment.get(name).is_some_and(|v| matches(value, v));
        matches(&self.image, image) && self.environment.iter().all(same)
    }
}

/// How a container ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit_code: i64,
    /// `reason` of the container.
    pub(crate) reason: Option<&'static str>,
}

impl Acts {
    /// When a container ends by itself, in seconds after its start, and how.
    pub(crate) fn end(&self) -> Option<(i64, Ended)> {
        match self {
            Self::Ends { after_seconds, exit_code } => {
                Some((*after_seconds, Ended { exit_code: *exit_code, reason: None }))
            }
            Self::RunsOutOfMemory { after_seconds } => {
                let reason = Some("OutOfMemoryError: Container killed due to memory usage");
                Some((*after_seconds, Ended { exit_code: 137, reason }))
            }
            Self::Runs | Self::NeverHealthy | Self::PullFails { .. } => None,
        }
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
    use std::collections::BTreeMap;

    use super::{Behaviour, matches};

    #[test]
    fn every_variable_must_fit() {
        let behaviour = Behaviour::of("job:*").when("INDEX", "3").when("ATTEMPT", "1*");
        let set = |index: &str, attempt: &str| {
            BTreeMap::from([("INDEX".to_owned(), index.to_owned()), ("ATTEMPT".to_owned(), attempt.to_owned())])
        };
        assert!(behaviour.fits("job:1", &set("3", "10")));
        assert!(!behaviour.fits("job:1", &set("3", "0")));
        assert!(!behaviour.fits("web:1", &set("3", "1")));
        assert!(!behaviour.fits("job:1", &BTreeMap::new()));
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        assert!(matches("inf2*", "inf2.xlarge"));
        assert!(matches("*", ""));
        assert!(matches("a*c*e", "abcde"));
        assert!(!matches("inf2*", "inf1.xlarge"));
        assert!(!matches("a*c", "ab"));
    }
}
