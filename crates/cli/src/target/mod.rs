//! One AWS account in a Region, real or simulated, with the clock that goes with it.
//!
//! Neighbours: commands connect here and hand both on to `axon_runtime`. Not here: what is done in the account.

mod simulated;
mod time;

use std::sync::Arc;

use axon_aws::{AssumeRole, Aws, ConnectError, Connection};
use axon_core::cloud::{Cloud, CloudError, ErrorClass, Facts};
use axon_runtime::clock::Clock;
use jiff::Timestamp;

pub(crate) use simulated::Simulated;
pub(crate) use time::Time;

use crate::arguments::AwsArguments;
use crate::failure::Failure;

/// An account that can be asked and told.
pub(crate) struct Target {
    /// The account.
    pub cloud: Arc<Aws>,
    /// Its time.
    pub clock: Arc<Time>,
}

impl Target {
    /// Connects as the arguments say.
    pub(crate) async fn connect(arguments: &AwsArguments) -> Result<Self, Failure> {
        let (connection, clock) = if arguments.simulate {
            let simulated = Simulated::begin(arguments.region.as_deref(), arguments.speed);
            (Connection { share: arguments.share, ..simulated.connection() }, simulated.time())
        } else {
            (connection(arguments), Time::System)
        };
        let cloud = Aws::connect(connection).await.map_err(|error| refused(&error))?;
        Ok(Self { cloud: Arc::new(cloud), clock: Arc::new(clock) })
    }

    /// The present, by AWS's clock as soon as AWS has answered anything.
    pub(crate) fn now(&self) -> Timestamp {
        self.cloud.aws_time(self.clock.now())
    }

    /// Who we are there.
    pub(crate) async fn facts(&self) -> Result<Facts, Failure> {
        self.cloud.lookup().await.map_err(|error| unanswered(&error))
    }
}

/// How the real account of these arguments is reached.
pub(crate) fn connection(arguments: &AwsArguments) -> Connection {
    let assume_role = arguments.assume_role.clone().map(|arn| AssumeRole {
        arn,
        external_id: arguments.external_id.clone(),
        session_name: None,
    });
    Connection {
        endpoint_url: arguments.endpoint_url.clone(),
        profile: arguments.profile.clone(),
        region: arguments.region.clone(),
        assume_role,
        share: arguments.share,
        ..Connection::default()
    }
}

fn refused(error: &ConnectError) -> Failure {
    let failure = Failure::work(error.to_string());
    match error {
        ConnectError::NoCredentials { .. } | ConnectError::NoRegion { .. } => {
            failure.hint("--simulate needs no account at all")
        }
        ConnectError::RoleRefused { .. } => failure,
    }
}

/// AWS did not answer as hoped, and what to do about it.
pub(crate) fn unanswered(error: &CloudError) -> Failure {
    let hint = match error.class {
        ErrorClass::Denied => {
            "check the credentials and their IAM policy; `aws sts get-caller-identity` shows whose they are"
        }
        ErrorClass::Ambiguous | ErrorClass::Transient => {
            "check the network, the Region and --endpoint-url, then try again"
        }
        ErrorClass::Throttled => "AWS is asked too often; wait a minute, then try again",
        ErrorClass::Conflict
        | ErrorClass::NotFound
        | ErrorClass::NoCapacity
        | ErrorClass::Quota
        | ErrorClass::Invalid => "",
    };
    let passes = matches!(error.class, ErrorClass::Ambiguous | ErrorClass::Transient | ErrorClass::Throttled);
    Failure { passes, ..Failure::work(error.to_string()).hint(hint) }
}
