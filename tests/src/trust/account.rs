//! The account before anything runs: what images do on it, and how readings lag.
//!
//! Neighbours: `stage` puts processes on it; `play`, `sweep`, `days` and `hands` begin with it.

use axon_sim::{Acts, Aws, Behaviour, LaggingLists, Options, Quirks};

use super::fleet::Image;
use super::job::Work;

/// An empty account that knows the images. Of two seeds that follow one another, one has lists that lag with the other readings:
/// which of the two is AWS is nowhere said.
pub(super) fn account(seed: u64) -> Aws {
    let lagging_lists = if seed.is_multiple_of(2) { LaggingLists::Never } else { LaggingLists::LikeDescribe };
    let quirks = Quirks { lagging_lists, ..Quirks::default() };
    let mut aws = Aws::new(Options { seed, log_limit: 200_000, quirks, ..Options::default() });
    let doing = [
        (Image::Crashes, Acts::Ends { after_seconds: 20, exit_code: 1 }),
        (Image::Sick, Acts::NeverHealthy),
        (Image::Missing, Acts::PullFails { reason: "not found".to_owned() }),
    ];
    let images = doing.map(|(image, acts)| Behaviour::of(format!("*/{}:*", image.name())).acting(acts));
    for behaviour in images.into_iter().chain(Work::behaviours()) {
        aws.world_mut().behave(behaviour);
    }
    aws
}
