//! What happens to a fleet, drawn from a seed.
//!
//! Neighbours: `themes` draws its events, `edit` and `fault` are parts of it, `play` plays it, `shrink` cuts it. A history is a plain list, so that any
//! part of it can be left out; numbers pick among what is there when it happens.

use clap::ValueEnum;
use fastrand::Rng;

use super::edit::Edit;
use super::fault::Kind;
use super::fleet::Fleet;
use super::orders::Order;
use super::stage::Trouble;
use super::themes::{OF_JOBS, THEMES, Theme, event, pause};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Seconds pass.
    Pass(u64),
    /// Somebody commits a change.
    Edit(Edit),
    /// The source is spoilt.
    Spoil(Trouble),
    /// It is as it was declared.
    Unspoil,
    /// So many of a hundred calls meet this fate.
    Weather(Kind, u32),
    /// Calls are answered.
    Calm,
    /// Reads lag so many seconds behind writes.
    Lag(i64),
    /// The oldest process is killed, and another started.
    Kill,
    /// It is told to stop, and another started.
    Stop,
    /// A second process is started beside the first.
    Start,
    /// The clock of the processes jumps.
    Jump(i64),
    /// A task's container ends.
    TaskEnds(usize),
    /// An instance with everything on it is gone.
    InstanceLost(usize),
    /// Spot takes an instance back.
    Interruption(usize),
    /// The agent of an instance is cut off.
    AgentLost(usize),
    /// Every agent reaches ECS again.
    AgentsBack,
    /// The accelerators of an instance are impaired.
    Impaired(usize),
    /// No capacity for any type, for some types, in one zone.
    Shortage(usize),
    /// Capacity for everything.
    Plenty,
    /// The next change of a capacity provider fails.
    ProviderFails(usize),
    /// A new Neuron AMI is recommended: one that works, one on which tasks fail, one that never registers.
    Ami(usize),
    /// A stranger's hands.
    Tamper(Tamper, usize),
    /// No process runs for so many minutes.
    Sleep(u64),
    /// The container of a job's task ends with an exit code.
    JobTaskEnds(usize, i64),
    /// What people ask of runs of jobs.
    Order(Order, usize),
}

/// What a stranger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Tamper {
    ScalesService(i64),
    DeploysService,
    DeletesService,
    UntagsService,
    DeregistersRevision,
    StopsTask,
    ChangesCluster,
    DetachesProviders,
    DeletesProvider,
    ChangesProvider,
    ResizesGroup(i64),
    DeletesGroup,
    DeletesTemplate,
    PublishesTemplateVersion,
    DrainsInstance,
    StopsJobTask,
}

/// A fleet and what happens to it.
#[derive(Clone, Debug)]
pub struct History {
    /// Of everything that is drawn while it is played.
    pub seed: u64,
    /// The fleet at the start.
    pub fleet: Fleet,
    /// What happens.
    pub events: Vec<Event>,
}

/// What histories are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum About {
    /// Services alone.
    Services,
    /// Work that ends, beside services.
    Jobs,
    /// The same histories, and jobs make room for whoever comes before them.
    Preemption,
    /// Jobs of several nodes.
    Gangs,
    /// Jobs that are due every minute, for hours.
    Schedules,
    /// Batches of dozens of tasks, again and again.
    Batches,
    /// Services whose models are compiled before they are deployed.
    Compile,
}

impl About {
    const fn salt(self) -> u64 {
        match self {
            Self::Services => 0,
            Self::Jobs | Self::Preemption => 0x004a_4f42,
            Self::Gangs => 0x4741_4e47,
            Self::Schedules => 0x4352_4f4e,
            Self::Batches => 0x4241_5443,
            Self::Compile => 0x4e45_4646,
        }
    }
}

impl History {
    /// The history of a seed with so many events. Those of one seed about different things have nothing in common.
    pub fn drawn(about: About, seed: u64, length: usize) -> Self {
        let mut dice = Rng::with_seed(seed ^ about.salt());
        let fleets: &[fn() -> Fleet] = match about {
            About::Services => &[Fleet::managed, Fleet::packed, Fleet::rolling, Fleet::mixed],
            About::Jobs | About::Preemption => {
                &[Fleet::batch, Fleet::training, Fleet::hourly, Fleet::chain, Fleet::busy]
            }
            About::Gangs => &[Fleet::gang, Fleet::gangs],
            About::Schedules => &[Fleet::schedules],
            About::Batches => &[Fleet::batches],
            About::Compile => &[Fleet::compiling],
        };
        let fleet = fleets[dice.usize(0..fleets.len())]();
        let fleet = if about == About::Preemption { fleet.yielding() } else { fleet };
        let [any, of_jobs] = match about {
            About::Services => [40, 0],
            About::Jobs | About::Preemption => [25, 50],
            About::Gangs | About::Compile => [20, 40],
            About::Schedules => [10, 50],
            About::Batches => [20, 30],
        };
        let mut themes: Vec<Theme> = THEMES.into_iter().filter(|_| dice.u8(0..100) < any).collect();
        if of_jobs > 0 {
            themes.extend(OF_JOBS.into_iter().filter(|_| dice.u8(0..100) < of_jobs));
        }
        match about {
            About::Services if themes.is_empty() => themes.push(Theme::Edits),
            About::Services => {}
            About::Jobs | About::Preemption => themes.push(Theme::Jobs),
            About::Gangs => themes.extend([Theme::Gangs; 2]),
            About::Compile => themes.extend([Theme::Compile; 2]),
            About::Batches => themes.extend([Theme::Batches; 3]),
            About::Schedules => themes.extend([Theme::JobTasks, Theme::Minutes, Theme::Minutes]),
        }
        Self::of(seed, fleet, &themes, (dice, length))
    }

    fn of(seed: u64, fleet: Fleet, themes: &[Theme], (mut dice, length): (Rng, usize)) -> Self {
        let events = (0..length).map(|number| {
            // Every other event is time.
            if number % 2 == 1 {
                Event::Pass(pause(&mut dice))
            } else {
                event(themes[dice.usize(0..themes.len())], &mut dice)
            }
        });
        let events = events.collect();
        Self { seed, fleet, events }
    }
}
