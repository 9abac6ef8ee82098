//! How each source is doing: the condition `SourceReady`, in Kubernetes' words.
//!
//! Made by `member`, collected by `pool`, shown by `view`, read again by `axon status`. Plain data, and nothing secret:
//! an address is shown without whoever logs in to it.

use axon_core::status::Truth;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Status of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Where it is.
    pub url: String,
    /// What of it is followed, for instance `branch main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The revision in force; nothing before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// When it was last read and found good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fetched: Option<Timestamp>,
    /// Whether what is in force is what the source has.
    pub condition: SourceCondition,
}

impl SourceStatus {
    /// Whether what is in force is what the source has.
    pub fn is_ready(&self) -> bool {
        self.condition.status == Truth::True
    }
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceKind {
    /// A git repository.
    Git,
    /// Files and folders on disk.
    Directory,
}

/// The one condition of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceCondition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: SourceConditionType,
    /// True, False, or Unknown before the first attempt has ended.
    pub status: Truth,
    /// One word for machines.
    pub reason: SourceReason,
    /// Cause, evidence and next step, for people.
    pub message: String,
    /// When `status` changed last.
    pub last_transition_time: Timestamp,
}

/// What conditions of sources are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceConditionType {
    /// What is in force is what the source has.
    #[default]
    SourceReady,
}

/// Why a source is ready or not, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SourceReason {
    /// Read and good.
    Succeeded,
    /// The first attempt has not ended.
    NotReady,
    /// The server does not know us, or we do not know the server.
    AuthenticationFailed,
    /// The server cannot be reached, or answers badly; it is tried again.
    FetchFailed,
    /// The server has an address that nothing is sent to.
    AddressRefused,
    /// It took too long; it is tried again.
    TimedOut,
    /// The branch, tag or commit is not there.
    ReferenceNotFound,
    /// There is nothing at the path.
    PathNotFound,
    /// The history was rewritten, and nobody has allowed that.
    ForcePushRefused,
    /// The commit is not signed by anybody who may.
    VerificationFailed,
    /// More than any specification has.
    TooLarge,
    /// Something in the tree may not be there: a link, a submodule, a file that is no text.
    ContentRefused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_looks_like_a_kubernetes_condition_and_can_be_read_again() {
        let status = SourceStatus {
            name: "fleet".to_owned(),
            kind: SourceKind::Git,
            url: "https://git.example.com/fleet".to_owned(),
            reference: Some("branch main".to_owned()),
            revision: None,
            last_fetched: None,
            condition: SourceCondition {
                kind: SourceConditionType::SourceReady,
                status: Truth::False,
                reason: SourceReason::FetchFailed,
                message: "no route".to_owned(),
                last_transition_time: Timestamp::UNIX_EPOCH,
            },
        };
        let json = serde_json::to_value(&status).unwrap();
        assert_eq!(json["condition"]["type"], "SourceReady");
        assert_eq!(json["condition"]["reason"], "FetchFailed");
        assert_eq!(json["condition"]["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert_eq!(serde_json::from_value::<SourceStatus>(json).unwrap(), status);
    }
}
