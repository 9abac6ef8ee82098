//! What happens to a fleet, drawn from a seed.
//!
//! Neighbours: `edit` and `fault` are parts of it, `play` plays it, `shrink` cuts it. A history is a plain list, so that any
//! part of it can be left out; numbers pick among what is there when it happens.

use clap::ValueEnum;
use fastrand::Rng;

use super::edit::Edit;
use super::fault::Kind;
use super::fleet::{Fleet, Image, Shape};
use super::job::Work;
use super::job_edit::JobEdit;
use super::orders::Order;
use super::stage::Trouble;

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

/// The hands of strangers.
const TAMPERS: [Tamper; 17] = [
    Tamper::ScalesService(0),
    Tamper::ScalesService(1),
    Tamper::ScalesService(5),
    Tamper::DeploysService,
    Tamper::DeletesService,
    Tamper::UntagsService,
    Tamper::DeregistersRevision,
    Tamper::StopsTask,
    Tamper::ChangesCluster,
    Tamper::DetachesProviders,
    Tamper::DeletesProvider,
    Tamper::ChangesProvider,
    Tamper::ResizesGroup(1),
    Tamper::DeletesGroup,
    Tamper::DeletesTemplate,
    Tamper::PublishesTemplateVersion,
    Tamper::DrainsInstance,
];

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
}

impl About {
    const fn salt(self) -> u64 {
        match self {
            Self::Services => 0,
            Self::Jobs | Self::Preemption => 0x004a_4f42,
            Self::Gangs => 0x4741_4e47,
            Self::Schedules => 0x4352_4f4e,
        }
    }
}

/// What kinds of events a history has at all: each history is about a few of them.
#[derive(Clone, Copy, Debug)]
enum Theme {
    Edits,
    BadImages,
    Sources,
    Network,
    Readings,
    Crashes,
    Replicas,
    Clock,
    Tasks,
    Instances,
    Capacity,
    Images,
    Strangers,
    Jobs,
    Orders,
    JobTasks,
    Sleep,
    Gangs,
    Minutes,
}

/// Those of histories about jobs alone.
const OF_JOBS: [Theme; 4] = [Theme::Jobs, Theme::Orders, Theme::JobTasks, Theme::Sleep];

const THEMES: [Theme; 13] = [
    Theme::Edits,
    Theme::BadImages,
    Theme::Sources,
    Theme::Network,
    Theme::Readings,
    Theme::Crashes,
    Theme::Replicas,
    Theme::Clock,
    Theme::Tasks,
    Theme::Instances,
    Theme::Capacity,
    Theme::Images,
    Theme::Strangers,
];

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
        };
        let fleet = fleets[dice.usize(0..fleets.len())]();
        let fleet = if about == About::Preemption { fleet.yielding() } else { fleet };
        let [any, of_jobs] = match about {
            About::Services => [40, 0],
            About::Jobs | About::Preemption => [25, 50],
            About::Gangs => [20, 40],
            About::Schedules => [10, 50],
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

/// Mostly seconds, sometimes minutes.
fn pause(dice: &mut Rng) -> u64 {
    match dice.u8(0..100) {
        0..60 => dice.u64(1..20),
        60..95 => dice.u64(20..120),
        _ => dice.u64(120..900),
    }
}

fn one_of(dice: &mut Rng, events: &[Event]) -> Event {
    events[dice.usize(0..events.len())]
}

fn event(theme: Theme, dice: &mut Rng) -> Event {
    let pick = dice.usize(0..1_000);
    match theme {
        Theme::Edits => Event::Edit(edit(dice)),
        Theme::BadImages => {
            let images = [Image::Well, Image::Crashes, Image::Sick, Image::Missing];
            Event::Edit(Edit::Image(pick, images[dice.usize(0..images.len())]))
        }
        Theme::Sources => {
            let troubles = [Trouble::Unreadable, Trouble::Vanished, Trouble::Half, Trouble::Typo];
            one_of(dice, &[Event::Spoil(troubles[pick % 4]), Event::Unspoil])
        }
        Theme::Network => {
            let kind = Kind::ALL[dice.usize(0..Kind::ALL.len())];
            let percent = [5, 15, 30, 100][dice.usize(0..4)];
            one_of(dice, &[Event::Weather(kind, percent), Event::Weather(kind, 10), Event::Calm])
        }
        Theme::Readings => Event::Lag([0, 5, 30, 120, 300][pick % 5]),
        Theme::Crashes => one_of(dice, &[Event::Kill, Event::Kill, Event::Stop]),
        Theme::Replicas => one_of(dice, &[Event::Start, Event::Kill]),
        Theme::Clock => Event::Jump([3600, -3600, 90, -90, 86_400][pick % 5]),
        Theme::Tasks => Event::TaskEnds(pick),
        Theme::Instances => one_of(
            dice,
            &[
                Event::InstanceLost(pick),
                Event::Interruption(pick),
                Event::AgentLost(pick),
                Event::AgentsBack,
                Event::Impaired(pick),
            ],
        ),
        Theme::Capacity => one_of(dice, &[Event::Shortage(pick), Event::Plenty, Event::ProviderFails(pick)]),
        Theme::Images => Event::Ami(pick),
        Theme::Strangers => Event::Tamper(TAMPERS[dice.usize(0..TAMPERS.len())], pick),
        Theme::Jobs | Theme::Orders | Theme::JobTasks | Theme::Gangs | Theme::Minutes | Theme::Sleep => {
            event_of_jobs(theme, pick, dice)
        }
    }
}

fn event_of_jobs(theme: Theme, pick: usize, dice: &mut Rng) -> Event {
    match theme {
        Theme::Orders => Event::Order([Order::Cancel, Order::Run, Order::Run, Order::Retry][dice.usize(0..4)], pick),
        Theme::JobTasks => one_of(
            dice,
            &[
                Event::JobTaskEnds(pick, 0),
                Event::JobTaskEnds(pick, 1),
                Event::JobTaskEnds(pick, 137),
                Event::Tamper(Tamper::StopsJobTask, pick),
            ],
        ),
        Theme::Gangs => {
            let (nodes, work) = (dice.u32(1..4), Work::ALL[dice.usize(0..Work::ALL.len())]);
            let edits = [
                JobEdit::Nodes(pick, nodes),
                JobEdit::Image(pick, work),
                JobEdit::Image(pick, Work::Long),
                JobEdit::Priority(pick, dice.i32(-9..10)),
            ];
            let edits = edits.map(|edit| Event::Edit(Edit::Job(edit)));
            let troubles = [Event::JobTaskEnds(pick, 1), Event::InstanceLost(pick), Event::Interruption(pick)];
            one_of(dice, &[&edits[..], &troubles[..]].concat())
        }
        Theme::Minutes => {
            let edits = [JobEdit::Env(pick), JobEdit::Policy(pick), JobEdit::Parallelism(pick, dice.u32(1..4))];
            let edits = edits.map(|edit| Event::Edit(Edit::Job(edit)));
            let passing = [Event::Pass(dice.u64(900..3_600)); 5];
            one_of(dice, &[&edits[..], &passing[..]].concat())
        }
        Theme::Sleep => one_of(
            dice,
            &[
                Event::Sleep(5),
                Event::Sleep(20),
                Event::Sleep(20),
                Event::Sleep(55),
                Event::Sleep(75),
                Event::Sleep(190),
            ],
        ),
        _ => Event::Edit(Edit::Job(job_edit(dice))),
    }
}

fn job_edit(dice: &mut Rng) -> JobEdit {
    let pick = dice.usize(0..1_000);
    let work = Work::ALL[dice.usize(0..Work::ALL.len())];
    let edits = [
        JobEdit::Add(pick, work),
        JobEdit::Add(pick, Work::Batch),
        JobEdit::Remove(pick),
        JobEdit::Return,
        JobEdit::Image(pick, work),
        JobEdit::Image(pick, Work::Long),
        JobEdit::Env(pick),
        JobEdit::Completions(pick, dice.u32(1..9)),
        JobEdit::Devices(pick, dice.u32(1..5)),
        JobEdit::Suspend(pick),
        JobEdit::Suspend(pick),
        JobEdit::Parallelism(pick, dice.u32(1..6)),
        JobEdit::Backoff(pick, dice.u32(0..4)),
        JobEdit::Priority(pick, dice.i32(-9..10)),
        JobEdit::Deadline(pick, dice.u32(1..60)),
        JobEdit::Every(pick, [10, 15, 20, 60][pick % 4]),
        JobEdit::Policy(pick),
        JobEdit::Repeats(pick),
        JobEdit::After(pick, dice.usize(0..1_000)),
        JobEdit::Pool(pick, dice.usize(0..1_000)),
    ];
    edits[dice.usize(0..edits.len())]
}

fn edit(dice: &mut Rng) -> Edit {
    let pick = dice.usize(0..1_000);
    let edits = [
        Edit::Image(pick, Image::Well),
        Edit::Image(pick, Image::Well),
        Edit::Env(pick),
        Edit::Replicas(pick, dice.u32(0..5)),
        Edit::Replicas(pick, dice.u32(1..4)),
        Edit::Devices(pick, dice.u32(1..6)),
        Edit::Budget(pick, [100, 50, 0][pick % 3], [200, 200, 100][pick % 3]),
        Edit::Team(pick),
        Edit::Check(pick),
        Edit::AddService(pick),
        Edit::RemoveService(pick),
        Edit::AddPool([Shape::Managed, Shape::Packed, Shape::Rolling][dice.usize(0..3)]),
        Edit::RemovePool(pick),
        Edit::Option(pick),
        Edit::Types(pick),
        Edit::Subnets(pick),
        Edit::PoolTeam(pick),
        Edit::Max(pick),
        Edit::Insights,
        Edit::Mend,
    ];
    edits[dice.usize(0..edits.len())]
}
