//! When to look: at the facts, at the source, at AWS.
//!
//! `controller` says how much moves and what went wrong; `reconciler` asks what is due and until when it may sleep. At
//! most one look of each kind is under way. No decisions about AWS here, and no clock: instants come in.

use std::time::Duration;

use axon_core::cloud::{Ec2Scope, ErrorClass, Facts, JobScope, Scope};
use jiff::Timestamp;

use crate::backoff;
use crate::clock::later;
use crate::settings::Settings;

/// Between the end of a sweep and the next, however urgent: what a burst of outcomes asks for is read once.
const SPACING: Duration = Duration::from_secs(1);

/// When a kind of look comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Never,
    At(Timestamp),
    Running,
}

impl Turn {
    /// Takes the turn if it has come.
    fn take(&mut self, now: Timestamp) -> bool {
        let due = matches!(self, Self::At(at) if *at <= now);
        if due {
            *self = Self::Running;
        }
        due
    }

    const fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Never | Self::Running => None,
        }
    }
}

/// How soon AWS should be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Nothing moves: only drift would be found.
    Steady,
    /// Something moves by itself.
    Busy,
    /// The next plan needs it.
    Now,
}

/// A look that begins now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Ask for the facts.
    Facts,
    /// Read the source.
    Source,
    /// Read AWS.
    Aws,
}

/// The turns of all looks.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    sweep_interval: Duration,
    busy_interval: Duration,
    source_interval: Duration,
    facts: Turn,
    failed_facts: u32,
    source: Turn,
    sweep: Turn,
    failed_sweeps: u32,
    swept: Option<Timestamp>,
    /// Whose sweeps these are, so that others sweep in other seconds.
    whose: String,
}

impl Schedule {
    /// Facts and source at once. AWS is read as soon as a specification says where to look.
    pub(crate) fn new(settings: &Settings, now: Timestamp) -> Self {
        Self {
            sweep_interval: settings.sweep_interval,
            busy_interval: settings.busy_interval,
            source_interval: settings.source_interval,
            facts: Turn::At(now),
            failed_facts: 0,
            source: Turn::At(now),
            sweep: Turn::Never,
            failed_sweeps: 0,
            swept: None,
            whose: settings.installation.to_string(),
        }
    }

    /// What begins now.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Look> {
        let turns = [(&mut self.facts, Look::Facts), (&mut self.source, Look::Source), (&mut self.sweep, Look::Aws)];
        turns.into_iter().filter_map(|(turn, look)| turn.take(now).then_some(look)).collect()
    }

    /// When the next look begins, if it is known.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        [self.facts, self.source, self.sweep].into_iter().filter_map(Turn::at).min()
    }

    /// Facts are known and do not change.
    pub(crate) fn facts_known(&mut self, facts: &Facts) {
        self.facts = Turn::Never;
        self.whose = format!("{} {} {}", self.whose, facts.identity.account, facts.identity.region);
    }

    /// Facts were refused.
    pub(crate) fn facts_failed(&mut self, class: ErrorClass, now: Timestamp) {
        self.failed_facts = self.failed_facts.saturating_add(1);
        self.facts = Turn::At(later(now, backoff::delay(class, self.failed_facts, "facts")));
    }

    /// The source was read, or was not.
    pub(crate) fn source_read(&mut self, now: Timestamp) {
        self.source = Turn::At(later(now, self.source_interval));
    }

    /// The source has something new. It never says so while it is being read.
    pub(crate) fn source_changed(&mut self, now: Timestamp) {
        if self.source != Turn::Running {
            self.source = Turn::At(now);
        }
    }

    /// A sweep has ended. [`Schedule::look_again`] says when the next begins.
    pub(crate) const fn swept(&mut self, complete: Completed, now: Timestamp) {
        self.failed_sweeps = match complete {
            Completed::Wholly => 0,
            Completed::InPart => self.failed_sweeps.saturating_add(1),
        };
        self.swept = Some(now);
        self.sweep = Turn::Never;
    }

    /// Sweeps in a row in which something could not be read.
    pub(crate) const fn failed_sweeps(&self) -> u32 {
        self.failed_sweeps
    }

    /// Whether a sweep is under way.
    pub(crate) fn is_sweeping(&self) -> bool {
        self.sweep == Turn::Running
    }

    /// Whether AWS was ever read.
    pub(crate) const fn has_swept(&self) -> bool {
        self.swept.is_some()
    }

    /// Sets the time of the next sweep by how much moves. Sweeps that fail come more slowly, but never more slowly than
    /// in a steady state.
    pub(crate) fn look_again(&mut self, urgency: Urgency, now: Timestamp) {
        if self.sweep == Turn::Running {
            return;
        }
        let Some(swept) = self.swept else {
            self.sweep = Turn::At(now);
            return;
        };
        let usual = match urgency {
            Urgency::Now => SPACING.min(self.busy_interval),
            Urgency::Busy => self.busy_interval,
            // Operators and targets that began together drift apart, and AWS is not asked by all in the same second.
            Urgency::Steady => backoff::around(self.sweep_interval, &self.whose, swept),
        };
        let failed = match self.failed_sweeps {
            0 => Duration::ZERO,
            failures => backoff::longest(ErrorClass::Transient, failures).min(self.sweep_interval),
        };
        self.sweep = Turn::At(later(swept, usual.max(failed)));
    }
}

/// How much of a sweep could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completed {
    /// Everything that was asked for.
    Wholly,
    /// Not everything.
    InPart,
}

/// Whether a scope asks for anything that the last one did not.
pub(crate) fn asks_more(scope: &Scope, last: &Scope) -> bool {
    !(scope.clusters.is_subset(&last.clusters)
        && scope.services.is_subset(&last.services)
        && scope.family_prefixes.is_subset(&last.family_prefixes)
        && scope.tasks_of.is_subset(&last.tasks_of)
        && scope.history_of.is_subset(&last.history_of)
        && asks_no_more_of_ec2(scope.ec2.as_ref(), last.ec2.as_ref())
        && asks_no_more_of_jobs(scope.jobs.as_ref(), last.jobs.as_ref()))
}

fn asks_no_more_of_jobs(scope: Option<&JobScope>, last: Option<&JobScope>) -> bool {
    let no_more = |scope: &JobScope, last: &JobScope| {
        scope.tasks_of.is_subset(&last.tasks_of) && (scope.records.is_none() || last.records.is_some())
    };
    scope.is_none_or(|scope| last.is_some_and(|last| no_more(scope, last)))
}

fn asks_no_more_of_ec2(scope: Option<&Ec2Scope>, last: Option<&Ec2Scope>) -> bool {
    match (scope, last) {
        (None, _) => true,
        (Some(_), None) => false,
        // Images come round by themselves; one that was never asked for is asked for with its group's name.
        (Some(scope), Some(last)) => {
            scope.names.is_subset(&last.names) && scope.instances_of.is_subset(&last.instances_of)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axon_core::cloud::Seen;
    use axon_core::observe::Identity;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn schedule() -> Schedule {
        Schedule::new(&Settings::new("test".parse().unwrap()), at(0))
    }

    #[test]
    fn jobs_of_a_cluster_that_were_not_read_are_more_to_ask_for() {
        let bare = Scope {
            installation: "test".parse().unwrap(),
            clusters: BTreeSet::new(),
            services: BTreeSet::new(),
            family_prefixes: BTreeSet::new(),
            tasks_of: BTreeSet::new(),
            history_of: BTreeSet::new(),
            ec2: None,
            jobs: None,
            seen: Seen::default(),
        };
        let jobs_of = |clusters: &[&str]| {
            let tasks_of = clusters.iter().map(|name| (*name).to_owned()).collect();
            Scope { jobs: Some(JobScope { tasks_of, ..JobScope::default() }), ..bare.clone() }
        };
        assert!(asks_more(&jobs_of(&[]), &bare) && asks_more(&jobs_of(&["a", "b"]), &jobs_of(&["a"])));
        assert!(!asks_more(&bare, &jobs_of(&["a"])) && !asks_more(&jobs_of(&["a"]), &jobs_of(&["a", "b"])));
        let mut with_records = jobs_of(&["a"]);
        with_records.jobs.as_mut().unwrap().records = Some("/axon/test/jobs".to_owned());
        assert!(asks_more(&with_records, &jobs_of(&["a"])) && !asks_more(&jobs_of(&["a"]), &with_records));
    }

    #[test]
    fn aws_is_read_only_after_a_specification_says_where() {
        let mut schedule = schedule();
        assert_eq!(schedule.due(at(0)), [Look::Facts, Look::Source]);
        assert_eq!((schedule.due(at(1)), schedule.next()), (vec![], None));
        schedule.look_again(Urgency::Busy, at(1));
        assert_eq!(schedule.due(at(1)), [Look::Aws]);
    }

    #[test]
    fn a_sweep_never_overlaps_another() {
        let mut schedule = schedule();
        schedule.look_again(Urgency::Now, at(0));
        schedule.due(at(0));
        schedule.look_again(Urgency::Now, at(1));
        assert!(schedule.is_sweeping());
        assert_eq!(schedule.due(at(100)), []);
    }

    #[test]
    fn the_more_moves_the_sooner_aws_is_read_again() {
        for (urgency, seconds) in [(Urgency::Now, 11..=11), (Urgency::Busy, 15..=15), (Urgency::Steady, 64..=76)] {
            let mut schedule = schedule();
            schedule.swept(Completed::Wholly, at(10));
            schedule.look_again(urgency, at(10));
            let next = schedule.sweep.at().unwrap().as_second();
            assert!(seconds.contains(&next), "{urgency:?}: {next}");
        }
    }

    /// The seconds of the sweeps of ten minutes in which nothing moves.
    fn steady(region: &str) -> Vec<i64> {
        let mut schedule = schedule();
        let identity = Identity { account: "111122223333".into(), region: region.into(), partition: "aws".into() };
        schedule.facts_known(&Facts { identity, instance_types: Vec::new() });
        schedule.look_again(Urgency::Steady, at(0));
        let mut seconds = Vec::new();
        while let Some(next) = schedule.next().filter(|next| *next < at(600)) {
            schedule.due(next);
            schedule.swept(Completed::Wholly, next);
            schedule.look_again(Urgency::Steady, next);
            seconds.push(next.as_second());
        }
        seconds
    }

    #[test]
    fn steady_sweeps_are_spread_by_a_tenth_and_differently_for_every_target() {
        let (here, there) = (steady("us-east-1"), steady("eu-west-1"));
        assert_eq!(here, steady("us-east-1"), "the same inputs give the same times");
        let gaps: Vec<i64> = here.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
        // Whole seconds are cut off.
        assert!(gaps.iter().all(|gap| (53..=67).contains(gap)), "{gaps:?}");
        assert!(gaps.iter().any(|gap| gap != &gaps[0]), "{gaps:?}");
        let together = here.iter().filter(|second| there.contains(second)).count();
        assert!(together < here.len() / 2, "{here:?} {there:?}");
    }

    #[test]
    fn failing_sweeps_come_more_slowly_however_urgent() {
        let mut schedule = schedule();
        let mut gaps = Vec::new();
        for _ in 0..7 {
            schedule.swept(Completed::InPart, at(0));
            schedule.look_again(Urgency::Now, at(0));
            gaps.push(schedule.sweep.at().unwrap().as_second());
        }
        assert_eq!(gaps, [2, 4, 8, 16, 32, 60, 60]);
        schedule.swept(Completed::Wholly, at(0));
        schedule.look_again(Urgency::Now, at(0));
        assert_eq!(schedule.sweep, Turn::At(at(1)));
    }
}
