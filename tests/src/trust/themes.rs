//! What kinds of events a history has, and how one of them is drawn.
//!
//! Part of `history`: each history is about a few themes.

use fastrand::Rng;

use super::edit::Edit;
use super::fault::Kind;
use super::fleet::{Image, Shape};
use super::history::{Event, Tamper};
use super::job::Work;
use super::job_edit::JobEdit;
use super::orders::Order;
use super::stage::Trouble;

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

/// What kinds of events a history has at all: each history is about a few of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Theme {
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
    Batches,
    Compile,
}

/// Those of histories about jobs alone.
pub(super) const OF_JOBS: [Theme; 4] = [Theme::Jobs, Theme::Orders, Theme::JobTasks, Theme::Sleep];

/// Those of any history.
pub(super) const THEMES: [Theme; 13] = [
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

/// Mostly seconds, sometimes minutes.
pub(super) fn pause(dice: &mut Rng) -> u64 {
    match dice.u8(0..100) {
        0..60 => dice.u64(1..20),
        60..95 => dice.u64(20..120),
        _ => dice.u64(120..900),
    }
}

fn one_of(dice: &mut Rng, events: &[Event]) -> Event {
    events[dice.usize(0..events.len())]
}

/// One event of a theme.
pub(super) fn event(theme: Theme, dice: &mut Rng) -> Event {
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
        Theme::Clock => Event::Jump([3600, -3600, 240, -90, 86_400][pick % 5]),
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
        _ => event_of_jobs(theme, pick, dice),
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
        Theme::Compile => {
            let images = [Image::Well, Image::Well, Image::Well, Image::Crashes, Image::Missing];
            let image = images[dice.usize(0..images.len())];
            let edits =
                [Edit::Compile(pick), Edit::Image(pick, image), Edit::Env(pick), Edit::Devices(pick, dice.u32(1..4))];
            one_of(dice, &edits.map(Event::Edit))
        }
        Theme::Minutes | Theme::Batches => again(theme, pick, dice),
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

/// Runs of jobs, one after the other, for hours.
fn again(theme: Theme, pick: usize, dice: &mut Rng) -> Event {
    let (edits, passing): (&[JobEdit], [Event; 5]) = if matches!(theme, Theme::Minutes) {
        (
            &[JobEdit::Env(pick), JobEdit::Policy(pick), JobEdit::Parallelism(pick, dice.u32(1..4))],
            [Event::Pass(dice.u64(900..3_600)); 5],
        )
    } else {
        let work = [Work::Brief, Work::Batch, Work::Flaky, Work::Failing][dice.usize(0..4)];
        (
            &[
                JobEdit::Env(pick),
                JobEdit::Env(pick),
                JobEdit::Image(pick, work),
                JobEdit::Completions(pick, dice.u32(20..61)),
                JobEdit::Parallelism(pick, dice.u32(4..25)),
            ],
            [Event::Pass(dice.u64(300..1_800)); 5],
        )
    };
    let edits: Vec<Event> = edits.iter().map(|edit| Event::Edit(Edit::Job(*edit))).collect();
    one_of(dice, &[&edits[..], &passing[..]].concat())
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
