//! How a target is reached: connecting, checking that it is the account that is meant, counting calls.
//!
//! Neighbours: `operation` supervises what connects here; `crate::target` knows the arguments. Not here: what is done there.

use std::sync::Arc;

use axon_aws::Aws;
use axon_core::cloud::{Cloud as _, ErrorClass};
use axon_runtime::{Connect, Telemetry, Unreachable};

use crate::arguments::AwsArguments;
use crate::lookout::counting;
use crate::target::{Target, connection};

/// A target's account in its Region.
pub(super) struct Account {
    way: Way,
    telemetry: Telemetry,
}

/// How it is reached.
enum Way {
    /// It stands.
    Standing(Arc<Aws>),
    /// As the configuration says, and only if it is this account.
    Configured { arguments: Box<AwsArguments>, account: Option<String> },
}

impl Account {
    /// An account that is connected already.
    pub(super) fn standing(target: &Target, telemetry: Telemetry) -> Self {
        let cloud = Aws::clone(&target.cloud).observed_by(counting(&telemetry));
        Self { way: Way::Standing(Arc::new(cloud)), telemetry }
    }

    /// An account that is connected when it is needed; any other one is refused if its id is given.
    pub(super) fn configured(arguments: AwsArguments, account: Option<String>, telemetry: Telemetry) -> Self {
        Self { way: Way::Configured { arguments: Box::new(arguments), account }, telemetry }
    }

    /// What it is watched by.
    pub(super) const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

impl Connect for Account {
    type Cloud = Aws;

    async fn connect(&self) -> Result<Arc<Aws>, Unreachable> {
        let (arguments, account) = match &self.way {
            Way::Standing(cloud) => return Ok(Arc::clone(cloud)),
            Way::Configured { arguments, account } => (arguments, account),
        };
        let cloud = Aws::connect(connection(arguments))
            .await
            .map_err(|error| Unreachable { class: ErrorClass::Denied, message: error.to_string() })?;
        let cloud = cloud.observed_by(counting(&self.telemetry));
        if let Some(account) = account {
            let facts = cloud.lookup().await.map_err(|error| Unreachable {
                class: error.class,
                message: format!("the account cannot be identified: {error}"),
            })?;
            let found = &facts.identity.account;
            if found != account {
                let message = format!(
                    "the credentials lead to account {found}, and this target is account {account}: nothing is read or \
                     written. Correct `account`, `profile` or `assumeRole` of the target"
                );
                return Err(Unreachable { class: ErrorClass::Denied, message });
            }
        }
        Ok(Arc::new(cloud))
    }
}
