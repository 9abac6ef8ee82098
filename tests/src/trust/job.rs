//! A job as a value that can be changed at random, and what its image does.
//!
//! Part of `fleet`; `job_edit` changes it, `ledger` and `job_rules` hold AWS against it. Like `fleet` it uses nothing of the product.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use axon_sim::{Acts, Behaviour};

use super::fleet::{COMPILES, Image, Shape};

/// Work that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its pool.
    pub pool: String,
    /// Chips of each task, in packed pools.
    pub devices: u32,
    /// Tasks that must succeed.
    pub completions: u32,
    /// Indexes at once.
    pub parallelism: u32,
    /// Instances that work together on each index, in pools for that.
    pub nodes: u32,
    /// How often an index is tried again.
    pub backoff: u32,
    /// What its image does.
    pub work: Work,
    /// The version of its image.
    pub version: u32,
    /// An environment variable that people change.
    pub env: u32,
    /// `suspend`.
    pub suspend: bool,
    /// `activeDeadline` in minutes.
    pub deadline: Option<u32>,
    /// `priority`.
    pub priority: i32,
    /// `dependsOn`.
    pub after: BTreeSet<String>,
    /// Every so many minutes of the hour; 60 is once an hour.
    pub every: Option<u32>,
    /// `concurrencyPolicy`: one of three.
    pub policy: usize,
    /// `unknownOutcome: Retry`.
    pub repeats: bool,
    /// People have ended its work, or may have declared it before: it may never be complete.
    pub marred: bool,
}

/// What the image of a job does; the account knows it by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Ends well after two minutes.
    Batch,
    /// Ends well after twenty seconds.
    Brief,
    /// Ends well after three quarters of an hour.
    Long,
    /// Its first attempt fails, the next one ends well.
    Flaky,
    /// Fails.
    Failing,
    /// Cannot be pulled.
    Absent,
}

/// Seconds of `Work::Long`.
const LONG: u64 = 2_700;

impl Work {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Batch, Self::Brief, Self::Long, Self::Flaky, Self::Failing, Self::Absent];

    /// The repository that stands for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Brief => "brief",
            Self::Long => "long",
            Self::Flaky => "flaky",
            Self::Failing => "failing",
            Self::Absent => "absent",
        }
    }

    /// Whether it succeeds in the end if nothing happens to it.
    pub const fn is_well(self) -> bool {
        !matches!(self, Self::Failing | Self::Absent)
    }

    /// How long one attempt takes, at most.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Long => LONG,
            Self::Batch | Self::Brief | Self::Flaky | Self::Failing | Self::Absent => 120,
        }
    }

    /// What the account has to know.
    pub fn behaviours() -> Vec<Behaviour> {
        let ends = |after_seconds, exit_code| Acts::Ends { after_seconds, exit_code };
        let of = |work: Self| Behaviour::of(format!("*/{}:*", work.name()));
        // Whatever a server does: its container compiles, and ends.
        let compiles = [Image::Well, Image::Crashes, Image::Sick].map(|image| {
            let of = Behaviour::of(format!("*/{}:*", image.name()));
            of.when("AXON_JOB_NAME", format!("*{COMPILES}")).acting(ends(90, 0))
        });
        let of_work = vec![
            of(Self::Batch).acting(ends(120, 0)),
            of(Self::Brief).acting(ends(20, 0)),
            of(Self::Long).acting(ends(LONG.cast_signed(), 0)),
            of(Self::Flaky).acting(ends(90, 0)),
            of(Self::Flaky).when("AXON_JOB_ATTEMPT", "0").acting(ends(30, 3)),
            of(Self::Failing).acting(ends(25, 4)),
            of(Self::Absent).acting(Acts::PullFails { reason: "not found".to_owned() }),
        ];
        of_work.into_iter().chain(compiles).collect()
    }
}

/// `startDeadline` of every job of several nodes, in minutes.
pub(super) const START_MINUTES: u64 = 10;

/// `concurrencyPolicy` by number.
const POLICIES: [&str; 3] = ["Forbid", "Replace", "Allow"];

impl Job {
    /// Two tasks of two minutes on this pool.
    pub fn on(pool: &str) -> Self {
        Self {
            pool: pool.to_owned(),
            devices: 1,
            completions: 2,
            parallelism: 2,
            nodes: 1,
            backoff: 3,
            work: Work::Batch,
            version: 1,
            env: 1,
            suspend: false,
            deadline: None,
            priority: 0,
            after: BTreeSet::new(),
            every: None,
            policy: 0,
            repeats: false,
            marred: false,
        }
    }

    /// The image that its tasks run.
    pub fn image(&self) -> String {
        format!("111122223333.dkr.ecr.us-east-1.amazonaws.com/{}:{}", self.work.name(), self.version)
    }

    /// How long all of it takes, if as many as may be are under way.
    pub fn length(&self) -> Duration {
        let turns = u64::from(self.completions.div_ceil(self.parallelism.max(1)));
        Duration::from_secs(turns * self.work.seconds())
    }

    /// As a user writes it.
    pub(super) fn yaml(&self, name: &str, shape: Shape) -> String {
        let (cpu, memory) = match shape {
            Shape::Managed => (4096, 16384),
            Shape::Packed => (8192 * self.devices, 30000 * self.devices),
            Shape::Rolling | Shape::Gang => (2048, 8192),
        };
        let mut text = format!(
            "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronJob\nmetadata: {{name: {name}}}\nspec:\n  pool: {}\n  completions: {}\n  \
             parallelism: {}\n  backoffLimit: {}\n  priority: {}\n  suspend: {}\n",
            self.pool,
            self.completions,
            self.parallelism.clamp(1, self.completions),
            self.backoff,
            self.priority,
            self.suspend
        );
        if shape == Shape::Packed {
            let _written = writeln!(text, "  devices: {}", self.devices);
        }
        if shape == Shape::Gang && self.nodes > 1 {
            let _written = write!(text, "  nodes: {}\n  gang: {{startDeadline: {START_MINUTES}m}}\n", self.nodes);
        }
        if let Some(minutes) = self.deadline {
            let _written = writeln!(text, "  activeDeadline: {minutes}m");
        }
        if !self.after.is_empty() {
            let names: Vec<&str> = self.after.iter().map(String::as_str).collect();
            let _written = writeln!(text, "  dependsOn: [{}]", names.join(", "));
        }
        if let Some(minutes) = self.every {
            let policy = POLICIES[self.policy % POLICIES.len()];
            let minute = if minutes < 60 { format!("*/{minutes}") } else { "0".to_owned() };
            let _written = writeln!(text, "  schedule: {{cron: \"{minute} * * * *\", concurrencyPolicy: {policy}}}");
        }
        if self.repeats {
            text.push_str("  unknownOutcome: Retry\n");
        }
        let _written = write!(
            text,
            "  template:\n    cpu: {cpu}\n    memory: {memory}\n    \
             executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole\n    containers:\n      - name: work\n        \
             image: {}\n        env: {{VERSION: \"{}\"}}\n",
            self.image(),
            self.env,
        );
        text
    }
}
