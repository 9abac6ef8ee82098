//! The output of containers in CloudWatch Logs: where a task definition sends it, and the port through which it is read.
//!
//! `axon-aws` implements the port, `axon-cli` reads through it. No operator needs it, so it is no part of `cloud`. Not here: which
//! tasks are read, and what is shown of them.

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;

use crate::cloud::CloudError;

/// The log driver whose output can be read back.
pub const AWSLOGS: &str = "awslogs";

/// Reads what containers have written.
pub trait Logs: Send + Sync {
    /// Where the containers of a revision of a task definition (ARN) write, in the order of the definition.
    fn outputs(&self, revision: &str) -> impl Future<Output = Result<Vec<ContainerOutput>, CloudError>> + Send;

    /// Makes one call for one page of a stream.
    fn page(&self, wanted: &WantedPage<'_>) -> impl Future<Output = Result<LogPage, CloudError>> + Send;
}

/// Where one container of a task definition writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerOutput {
    /// Its name.
    pub container: String,
    /// Its log driver, if one is given.
    pub driver: Option<String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
}

/// A log stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogStream {
    /// Region of its group; that of the target if the task definition does not say.
    pub region: Option<String>,
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
}

/// Why a container's output cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No log driver is given.
    #[error("its task definition has no log driver")]
    NoDriver,
    /// It is not `awslogs`.
    #[error("its log driver is {0}")]
    OtherDriver(String),
    /// An option is missing that the name of the stream is made of. Managed Instances always have both.
    #[error("its log driver has no option {0}")]
    NoOption(&'static str),
}

impl ContainerOutput {
    /// The stream of a task's container. The name is the documented one: `prefix/container/task-id` (ECS developer guide, "Send
    /// Amazon ECS logs to CloudWatch").
    pub fn stream(&self, task: &str) -> Result<LogStream, Unreadable> {
        match self.driver.as_deref() {
            None => return Err(Unreadable::NoDriver),
            Some(AWSLOGS) => {}
            Some(other) => return Err(Unreadable::OtherDriver(other.to_owned())),
        }
        let option = |name: &'static str| self.options.get(name).ok_or(Unreadable::NoOption(name));
        let (group, prefix) = (option("awslogs-group")?, option("awslogs-stream-prefix")?);
        let id = task.rsplit('/').next().unwrap_or(task);
        Ok(LogStream {
            region: self.options.get("awslogs-region").cloned(),
            group: group.clone(),
            name: format!("{prefix}/{}/{id}", self.container),
        })
    }
}

/// A page that is to be read.
#[derive(Clone, Debug)]
pub struct WantedPage<'a> {
    /// Of which stream.
    pub stream: &'a LogStream,
    /// From where.
    pub from: PageFrom,
    /// Lines before this instant are left out.
    pub since: Option<Timestamp>,
    /// At most so many lines, 1 to 10,000.
    pub limit: Option<u32>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFrom {
    /// With the first line.
    Head,
    /// With the last ones.
    Tail,
    /// After another page, by its token.
    After(String),
    /// Before another page, by its token.
    Before(String),
}

/// A page of a stream. It may be empty though there are more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// Lines, oldest first.
    pub lines: Vec<LogLine>,
    /// Token for what comes after. If it is the one that was sent, there is nothing more now.
    pub after: String,
    /// Token for what comes before, likewise.
    pub before: String,
}

/// A line, or what the driver took for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// What was written, as it is.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(driver: Option<&str>, options: &[(&str, &str)]) -> ContainerOutput {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ContainerOutput { container: "train".to_owned(), driver: driver.map(str::to_owned), options }
    }

    #[test]
    fn a_stream_is_called_by_prefix_container_and_task() {
        let options =
            [("awslogs-group", "/axon/ml/a"), ("awslogs-stream-prefix", "out"), ("awslogs-region", "eu-west-1")];
        let stream = output(Some("awslogs"), &options).stream("arn:aws:ecs:us-east-1:1:task/ml/0a1b").unwrap();
        let (region, group) = (Some("eu-west-1".to_owned()), "/axon/ml/a".to_owned());
        assert_eq!(stream, LogStream { region, group, name: "out/train/0a1b".to_owned() });
    }

    #[test]
    fn what_cannot_be_read_back_says_why() {
        let group = [("awslogs-group", "/axon/ml/a")];
        let why = |output: ContainerOutput| output.stream("0a1b").unwrap_err();
        assert_eq!(why(output(None, &[])), Unreadable::NoDriver);
        assert_eq!(why(output(Some("splunk"), &[])), Unreadable::OtherDriver("splunk".to_owned()));
        assert_eq!(why(output(Some("awslogs"), &group)), Unreadable::NoOption("awslogs-stream-prefix"));
    }
}
