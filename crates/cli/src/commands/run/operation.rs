//! An operator at work under one configuration: its sources, and a supervised loop for each target.
//!
//! Neighbours: `run` begins one, and another after a reload; `sources` and `account` say what from and where to;
//! `lookout` is told of everything. Not here: signals and files.

use std::path::PathBuf;
use std::sync::Arc;

use axon_runtime::source::{DirectorySource, SourceSettings, Sources, Wakers};
use axon_runtime::{Outcome, Settings, Supervisor, View};
use futures::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

use super::account::Account;
use crate::failure::Failure;
use crate::lookout::Lookout;
use crate::target::Time;

/// Where specifications come from.
#[derive(Clone, Debug)]
pub(super) enum Feed {
    /// Files and folders of the command line.
    Files(Vec<PathBuf>),
    /// The sources of a configuration, and where git repositories keep their objects.
    Sources(Vec<SourceSettings>, PathBuf),
}

/// One target before it runs.
pub(super) struct Post {
    /// How it is reached.
    pub account: Account,
    /// What is allowed there, and how often.
    pub settings: Settings,
    /// Its time.
    pub clock: Arc<Time>,
}

/// Everything that runs under one configuration.
pub(super) struct Operation {
    shutdown: watch::Sender<bool>,
    feed: Option<JoinHandle<()>>,
    loops: Vec<JoinHandle<Outcome>>,
    views: Vec<watch::Receiver<Arc<View>>>,
    wakers: Wakers,
}

impl Operation {
    /// Begins everything.
    pub(super) fn begin(feed: Feed, posts: Vec<Post>, lookout: &Lookout) -> Result<Self, Failure> {
        let (shutdown, stopped) = watch::channel(false);
        let mut operation =
            Self { shutdown, feed: None, loops: Vec::new(), views: Vec::new(), wakers: Wakers::default() };
        match feed {
            Feed::Files(paths) => {
                for post in posts {
                    let (paths, stopped) = (paths.clone(), stopped.clone());
                    let supervisor = operation.supervise(post, lookout);
                    let run = supervisor.run(move || DirectorySource::new(paths.clone()), stopped);
                    operation.loops.push(tokio::spawn(run));
                }
            }
            Feed::Sources(settings, folder) => {
                let clock = posts.first().map_or_else(|| Arc::new(Time::System), |post| Arc::clone(&post.clock));
                let sources =
                    Sources::new(settings, &folder, clock).map_err(|error| Failure::usage(error.to_string()))?;
                operation.wakers = sources.wakers();
                for post in posts {
                    let supervisor = operation.supervise(post, lookout);
                    let subscription = sources.subscribe();
                    operation.loops.push(tokio::spawn(supervisor.run(move || subscription.clone(), stopped.clone())));
                }
                let mut stopped = stopped;
                operation.feed = Some(tokio::spawn(sources.run(async move {
                    // An error means that the operation is gone.
                    let _ = stopped.wait_for(|stopped| *stopped).await;
                })));
            }
        }
        Ok(operation)
    }

    fn supervise(&mut self, post: Post, lookout: &Lookout) -> Supervisor<Account, Time> {
        let Post { account, settings, clock } = post;
        let telemetry = account.telemetry().clone();
        let supervisor = Supervisor::new(account, Arc::clone(&clock), settings, telemetry.clone());
        lookout.show(&telemetry, supervisor.view(), clock);
        self.views.push(supervisor.view());
        supervisor
    }

    /// What each target shows.
    pub(super) fn views(&self) -> &[watch::Receiver<Arc<View>>] {
        &self.views
    }

    /// What webhooks wake.
    pub(super) fn wakers(&self) -> Wakers {
        self.wakers.clone()
    }

    /// Starts nothing more. What is under way comes to its end.
    pub(super) fn shut_down(&self) {
        self.shutdown.send_replace(true);
    }

    /// Completes when every loop has ended, each in its own way.
    pub(super) async fn ended(&mut self) -> Vec<Outcome> {
        let ended = join_all(self.loops.iter_mut()).await;
        self.loops.clear();
        self.shut_down();
        if let Some(feed) = self.feed.take()
            && let Err(error) = feed.await
        {
            error!(%error, "the sources ended badly");
        }
        let outcomes = ended.into_iter().map(|ended| {
            ended.unwrap_or_else(|error| {
                error!(%error, "the loop of a target was lost");
                Outcome::Failed(format!("the loop of a target was lost: {error}"))
            })
        });
        outcomes.collect()
    }

    /// Ends everything where it stands.
    pub(super) fn abort(&self) {
        self.loops.iter().for_each(JoinHandle::abort);
        if let Some(feed) = &self.feed {
            feed.abort();
        }
    }
}
