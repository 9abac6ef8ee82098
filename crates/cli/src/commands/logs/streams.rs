//! The log streams of the tasks that were found: a reader for each, which its task definition says where to look.
//!
//! Between `find` and `merge`. A revision is asked for once; a task that is known already keeps its readers. Not here: lines.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::logs::{ContainerOutput, Logs, Unreadable};
use jiff::Timestamp;

use super::find::{Found, FoundTask};
use super::reader::{Reader, Start};
use crate::failure::Failure;
use crate::target::unanswered;

/// Readers of everything that was found so far.
pub(super) struct Streams {
    pub(super) readers: Vec<Reader>,
    container: Option<String>,
    start: Start,
    revisions: BTreeMap<String, Vec<ContainerOutput>>,
    tasks: BTreeSet<String>,
    told: BTreeSet<String>,
}

impl Streams {
    pub(super) fn new(container: Option<String>, start: Start) -> Self {
        let (revisions, tasks, told) = Default::default();
        Self { readers: Vec::new(), container, start, revisions, tasks, told }
    }

    /// What is found later is read from its beginning.
    pub(super) fn read_later_ones_whole(&mut self) {
        self.start = Start::default();
    }

    /// Takes in what was found, and gives what people should know about it, each thing once.
    pub(super) async fn take_in(&mut self, logs: &impl Logs, found: &Found) -> Result<Vec<String>, Failure> {
        let mut said: Vec<String> = found.note.iter().cloned().collect();
        for (id, task) in &found.tasks {
            self.mark(id, task.stopped);
            if !self.tasks.contains(id) {
                said.extend(self.open(logs, found, task).await?);
                self.tasks.insert(id.clone());
            }
        }
        said.retain(|line| self.told.insert(line.clone()));
        Ok(said)
    }

    fn mark(&mut self, task: &str, stopped: Option<Timestamp>) {
        for reader in self.readers.iter_mut().filter(|reader| reader.label().task == task) {
            reader.stopped = stopped.or(reader.stopped);
        }
    }

    /// Makes the readers of a task. If nothing of it can be read, that is an error; if a part cannot, it is told.
    async fn open(&mut self, logs: &impl Logs, found: &Found, task: &FoundTask) -> Result<Vec<String>, Failure> {
        if !self.revisions.contains_key(&task.revision) {
            let outputs = logs.outputs(&task.revision).await.map_err(|error| unanswered(&error))?;
            self.revisions.insert(task.revision.clone(), outputs);
        }
        let outputs = self.revisions.get(&task.revision).map(Vec::as_slice).unwrap_or_default();
        let wanted = |output: &&ContainerOutput| self.container.as_ref().is_none_or(|name| *name == output.container);
        let wanted: Vec<&ContainerOutput> = outputs.iter().filter(wanted).collect();
        if let (Some(name), true) = (&self.container, wanted.is_empty()) {
            return Err(no_container(found, name, outputs));
        }
        let mut silent = Vec::new();
        let before = self.readers.len();
        for output in wanted {
            match output.stream(&task.label.task) {
                Ok(stream) => {
                    let label = task.label.clone().of(&output.container);
                    self.readers.push(Reader::new(label, stream, self.start, task.stopped));
                }
                Err(why) => silent.push((output.container.clone(), why)),
            }
        }
        match silent.first() {
            Some(first) if self.readers.len() == before => Err(unreadable(found, first)),
            _ => Ok(silent.iter().map(|(name, why)| format!("Container {name} is left out: {why}.")).collect()),
        }
    }
}

fn no_container(found: &Found, name: &str, outputs: &[ContainerOutput]) -> Failure {
    let names: Vec<&str> = outputs.iter().map(|output| output.container.as_str()).collect();
    Failure::usage(format!("{} has no container {name}", found.object)).hint(format!("there are {}", names.join(", ")))
}

fn unreadable(found: &Found, (name, why): &(String, Unreadable)) -> Failure {
    Failure::work(format!("what container {name} of {} writes cannot be read back: {why}", found.object)).hint(
        "write `logging: {driver: Awslogs}` into the container, or leave `logging` out, which is the same; tasks that start from \
         then on log to CloudWatch",
    )
}
