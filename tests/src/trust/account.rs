//! The account before anything runs: what images do on it, and what its lists are like.
//!
//! Neighbours: `stage` puts processes on it; `play`, `sweep`, `days` and `hands` begin with it.

use axon_sim::{Acts, Aws, Behaviour, LaggingLists, Options, PageMarks, Quirks};

use super::fleet::Image;
use super::job::Work;

/// Small enough for most lists to have several pages.
const SHORT_PAGE: i64 = 5;

/// An empty account that knows the images. Which of these lists are AWS's is nowhere said: of four seeds that follow one another,
/// two have lists that lag with the other readings, and two such that skip or repeat what moves between two short pages.
pub(super) fn account(seed: u64) -> Aws {
    let lagging_lists = if seed.is_multiple_of(2) { LaggingLists::Never } else { LaggingLists::LikeDescribe };
    let (page_marks, short_pages) =
        if seed % 4 < 2 { (PageMarks::Item, None) } else { (PageMarks::Position, Some(SHORT_PAGE)) };
    let quirks = Quirks { lagging_lists, page_marks, short_pages, ..Quirks::default() };
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
