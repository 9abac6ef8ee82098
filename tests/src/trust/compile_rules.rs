//! Nothing is deployed before it is compiled, where a service says so.
//!
//! Part of `rules`: the image that a call deploys must have run in a run of the job that compiles for the service, and that must be
//! complete.

use super::asked::Asked;
use super::audit::Auditor;
use super::fleet::COMPILES;

impl Auditor {
    /// A service was made or changed.
    pub(super) fn compiled_first(&mut self, asked: &Asked) {
        let Some(definition) = asked.input["taskDefinition"].as_str() else { return };
        let name = [asked.text("serviceName"), asked.text("service")].concat();
        let Some(object) = self.object_of(&name) else { return };
        let image = self.image_of(definition);
        let compiles = self.always(|fleet| {
            fleet.services.get(&object).is_some_and(|service| service.compiled && service.image() == image)
        });
        if !compiles {
            return;
        }
        let job = object.clone() + COMPILES;
        let complete = self.ends(&job).into_iter().filter(|(_, end, _)| end["result"] == "Complete");
        let runs: Vec<String> = complete.map(|(run, ..)| run).collect();
        if !runs.iter().any(|run| self.ledger.has_run(&job, run, &image)) {
            self.find(&format!("{name} is deployed with {image}, which nobody has compiled"));
        }
    }
}
