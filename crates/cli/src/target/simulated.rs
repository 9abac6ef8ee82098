//! The simulated AWS in this process, wired to the SDK without a socket and in its own time.
//!
//! Neighbours: `axon_sim` is the account, `axon_aws` talks to it as to any other. The only file of this crate that names
//! the SDK's types. Not here: how AWS behaves.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axon_aws::{Connection, Deadlines, FixedCredentials};
use axon_runtime::clock::{Clock, ScaledClock, SystemClock};
use axon_sim::connector::InProcess;
use axon_sim::{Acts, Aws, Behaviour, Launchable, Options, Quirks, Shared};

use super::time::Time;
use crate::arguments::Speed;

/// After so long the tasks of jobs end well in an account that somebody tries Axon out with.
const WORK_SECONDS: i64 = 10 * 60;

/// An empty account whose time begins now.
#[derive(Debug)]
pub(crate) struct Simulated {
    shared: Shared,
    region: String,
    clock: ScaledClock,
    speed: f64,
}

impl Simulated {
    /// Begins an account.
    pub(crate) fn begin(region: Option<&str>, speed: Speed) -> Self {
        let start = SystemClock.now();
        let defaults = Options::default();
        let region = region.map_or(defaults.region.clone(), ToOwned::to_owned);
        let simulated = Self::with(Options { region, start, quirks: Self::quirks(), ..defaults }, speed);
        let ends = Acts::Ends { after_seconds: WORK_SECONDS, exit_code: 0 };
        simulated.behaves(Behaviour::of("*").when("AXON_JOB_NAME", "*").acting(ends));
        simulated
    }

    /// What becomes of containers is their images' business, and the account has to be told.
    pub(crate) fn behaves(&self, behaviour: Behaviour) {
        self.shared.with(|aws| aws.world_mut().behave(behaviour));
    }

    /// How the account behaves where AWS's documents leave it open: as demanding as can be, except that whoever tries
    /// Axon out may try Trainium2 too.
    pub(crate) fn quirks() -> Quirks {
        Quirks { launchable: Launchable::WithTrainium2, ..Quirks::default() }
    }

    /// Begins an account with these settings.
    pub(crate) fn with(options: Options, speed: Speed) -> Self {
        let speed = speed.factor();
        let clock = ScaledClock::new(options.start, speed);
        let region = options.region.clone();
        let shared = Shared::new(Aws::new(options), Arc::new(move || clock.now()));
        Self { shared, region, clock, speed }
    }

    /// The account itself.
    pub(crate) fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Its time.
    pub(crate) const fn time(&self) -> Time {
        Time::Scaled(self.clock, self.speed)
    }

    /// How the SDK reaches it.
    pub(crate) fn connection(&self) -> Connection {
        let pace = Pace { clock: self.clock, speed: self.speed };
        // Deadlines are real time's: a busy machine must not look like a lost connection because time runs fast.
        let stretched = |deadline: Duration| deadline.mul_f64(self.speed.max(1.0));
        let Deadlines { connect, attempt, operation } = Deadlines::default();
        Connection {
            region: Some(self.region.clone()),
            deadlines: Deadlines {
                connect: stretched(connect),
                attempt: stretched(attempt),
                operation: stretched(operation),
            },
            http_client: Some(SharedHttpClient::new(InProcess::new(self.shared()))),
            time_source: Some(SharedTimeSource::new(pace)),
            sleep: Some(SharedAsyncSleep::new(pace)),
            credentials: Some(FixedCredentials {
                access_key_id: "simulated".to_owned(),
                secret_access_key: "simulated".to_owned(),
            }),
            ..Connection::default()
        }
    }
}

/// The simulated time in the SDK's words.
#[derive(Clone, Copy, Debug)]
struct Pace {
    clock: ScaledClock,
    speed: f64,
}

impl TimeSource for Pace {
    fn now(&self) -> SystemTime {
        self.clock.now().into()
    }
}

impl AsyncSleep for Pace {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration.div_f64(self.speed)))
    }
}
