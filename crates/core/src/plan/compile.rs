//! Lets a service wait until its model is compiled: no deployment of it starts before the job that compiles is complete.
//!
//! The job itself is planned like any other. Whatever starts no deployment is changed meanwhile. Not here: how a job waits for the
//! one that compiles for it, which is a dependency like others (`job::agenda`).

use super::{Planner, Wait};
use crate::desired::DesiredService;
use crate::job::agenda::Compiled;
use crate::spec::ObjectKey;

impl Planner<'_> {
    /// Whether the model of a service is compiled, if that is asked for.
    pub(super) fn is_compiled(&mut self, wanted: &DesiredService) -> bool {
        let Some(job) = &wanted.after else { return true };
        let failure = match self.agenda.compiled(self.world.desired, job) {
            Compiled::Done => return true,
            Compiled::NotRead => {
                let what = format!("the records of NeuronJob/{job}");
                self.wait(&wanted.object, Wait::NotRead { what });
                return false;
            }
            Compiled::NotYet => None,
            Compiled::Failed(message) => Some(message),
        };
        let job = ObjectKey::job(job.clone());
        self.wait(&wanted.object, Wait::Compile { job, failure });
        false
    }
}
