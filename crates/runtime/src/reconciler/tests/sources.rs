//! Sources that are read beside the loop: what is new in them is acted on at once, and nothing is gone before all were read.

use std::fs;

use super::*;
use crate::source::{SourceSettings, Sources};

/// A folder with these clusters, as a named source that is looked at every minute.
fn folder(name: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, SourceSettings) {
    let folder = tempfile::tempdir().unwrap();
    for (file, cluster) in files {
        fs::write(folder.path().join(file), &clusters("", &[(*cluster, "Disabled")]).files[0].text).unwrap();
    }
    let settings = SourceSettings::directory(name.parse().unwrap(), vec![folder.path().to_owned()]);
    (folder, SourceSettings { interval: Duration::from_mins(1), ..settings })
}

impl Bench {
    /// Runs on several sources. The folder for objects of git is never used.
    fn start_sources(&self, settings: Vec<SourceSettings>) -> Running {
        let sources = Sources::new(settings, std::path::Path::new("unused"), Arc::clone(&self.clock)).unwrap();
        let subscription = sources.subscribe();
        tokio::spawn(sources.run(pending()));
        self.start(subscription)
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_revision_is_acted_on_when_the_source_has_it_and_ends_the_waiting_for_the_old_one() {
    let mut bench = Bench::new();
    // Left alone, the loop would look at its source once an hour.
    bench.settings.source_interval = Duration::from_hours(1);
    bench.cloud.script("CreateCluster", vec![Act::failing(ErrorClass::Quota); 3]);
    let (folder, settings) = folder("fleet", &[("a.yaml", "a")]);
    let running = bench.start_sources(vec![settings]);
    let view = running.at(50).await;
    let Wait::Retry { not_before, .. } = &view.waiting[0].on else { panic!("{:?}", view.waiting) };
    assert!(bench.cloud.writes().len() == 3 && not_before.as_second() > 80, "{not_before}");
    fs::write(folder.path().join("a.yaml"), &one("Enabled").files[0].text).unwrap();
    // The source is looked at after a minute, give or take a tenth.
    let view = running.at(67).await;
    assert!(view.statuses[&key("a")].is_ready(), "{:?}", view.statuses);
    let (at, _) = bench.cloud.writes().last().cloned().unwrap();
    assert!((54..=67).contains(&at), "{at}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_gone_before_every_source_was_read() {
    let bench = Bench::new();
    let (one, first) = folder("one", &[("a.yaml", "a")]);
    let (two, second) = folder("two", &[("b.yaml", "b"), ("c.yaml", "c")]);
    bench.start_sources(vec![first.clone(), second.clone()]).at(20).await;
    assert_eq!(bench.cloud.writes().len(), 3);
    // Another process, to which the second source is broken at first and then lacks an object.
    let away = two.path().join("c.yaml");
    fs::remove_file(&away).unwrap();
    std::os::unix::fs::symlink("nowhere", &away).unwrap();
    let bench = Bench { clock: clock(), ..bench };
    let running = bench.start_sources(vec![first, second]);
    let view = running.at(40).await;
    assert_eq!(bench.cloud.writes().len(), 3, "{:?}", bench.cloud.writes());
    assert!(view.statuses[&key("a")].is_ready());
    let words: Vec<String> = view.events.iter().map(|event| format!("{} {}", event.reason, event.object)).collect();
    assert!(words.contains(&"PathNotFound Source/two".to_owned()), "{words:?}");
    fs::remove_file(&away).unwrap();
    let view = running.at(200).await;
    let last = bench.cloud.writes().last().cloned().unwrap();
    assert_eq!((bench.cloud.writes().len(), last.1.as_str()), (4, "DeleteCluster cluster c"));
    assert!(view.sources.iter().all(crate::source::SourceStatus::is_ready));
    let b = view.statuses[&key("b")].observed_revision.clone();
    assert_ne!(view.statuses[&key("a")].observed_revision, b);
    assert_eq!(Some(&b), view.sources[1].revision.as_ref());
    drop(one);
}
