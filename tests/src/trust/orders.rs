//! What people ask of runs, by records as `axon job` writes them.
//!
//! Part of `stage`, told by `happen`. Like there, nobody is asked to do again what is under way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::stage::Stage;
use crate::installation;

/// What people ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A run is to be stopped.
    Cancel,
    /// Another run of a job of which none is under way.
    Run,
    /// The same with the indexes that have not succeeded in the last one.
    Retry,
}

/// What is on record of a run.
#[derive(Clone, Debug, Default)]
struct Run {
    entries: BTreeSet<String>,
    end: Option<Value>,
    at: f64,
}

impl Stage {
    /// Writes the record, if there is a run or a job for it.
    pub fn order(&mut self, order: Order, pick: usize) {
        let runs = self.runs();
        let is_open = |run: &Run| run.end.is_none();
        match order {
            Order::Cancel => {
                let open = runs.iter().filter(|(_, run)| is_open(run) && !run.entries.contains("cancel"));
                let open: Vec<&(String, String)> = open.map(|(key, _)| key).collect();
                let Some((job, run)) = pick.checked_rem(open.len()).and_then(|at| open.get(at)) else { return };
                if self.put(&format!("{job}/{run}/cancel"), &json!({"reason": "was cancelled"})) {
                    self.air.count("run cancelled");
                    self.audit(|auditor, _| auditor.know_cancelled(job, run));
                    if let Some(job) = self.fleet.jobs.get_mut(job) {
                        job.marred = true;
                    }
                }
            }
            Order::Run | Order::Retry => {
                let idle = self.fleet.jobs.keys().filter(|job| {
                    let of = runs.iter().filter(|((name, _), _)| name == *job).map(|(_, run)| run);
                    of.clone().count() > 0 && !of.clone().any(is_open)
                });
                let idle: Vec<&String> = idle.collect();
                let Some(job) = pick.checked_rem(idle.len()).and_then(|at| idle.get(at)) else { return };
                let mut begin = json!({"by": "`axon job run`"});
                if order == Order::Retry {
                    let of = runs.iter().filter(|((name, _), _)| name == *job).map(|(_, run)| run);
                    let Some(last) = of.max_by(|a, b| a.at.total_cmp(&b.at)) else { return };
                    let end = last.end.clone().unwrap_or_default();
                    let lists = ["failed", "unknown"].map(|name| end[name].as_array().cloned().unwrap_or_default());
                    if lists.iter().all(Vec::is_empty) {
                        return;
                    }
                    begin["indexes"] = json!(lists.concat());
                }
                let now = self.audit(|_, now| now);
                let name = format!("{job}/m{}/begin", now.strftime("%Y%m%dT%H%M%SZ"));
                if self.put(&name, &begin) {
                    self.air.count("run asked for");
                }
            }
        }
    }

    fn put(&self, name: &str, value: &Value) -> bool {
        let name = format!("{}{name}", root());
        let input = json!({"Name": name, "Value": value.to_string(), "Type": "String", "Overwrite": false});
        self.world.try_on("ssm", "PutParameter", &input).is_ok()
    }

    /// Runs by job and name.
    fn runs(&self) -> BTreeMap<(String, String), Run> {
        let names = self.world.aws.with(|aws| aws.world().parameter_names(&root()));
        let mut runs: BTreeMap<(String, String), Run> = BTreeMap::new();
        for name in names {
            let parts: Vec<&str> = name.trim_start_matches(&root()).split('/').collect();
            let [job, run, entry] = parts[..] else { continue };
            let known = runs.entry((job.to_owned(), run.to_owned())).or_default();
            known.entries.insert(entry.to_owned());
            if entry == "end" {
                let seen = self.world.act_on("ssm", "GetParameter", &json!({"Name": name}));
                let text = seen["Parameter"]["Value"].as_str().unwrap_or_default();
                known.end = Some(serde_json::from_str(text).unwrap_or_default());
                known.at = seen["Parameter"]["LastModifiedDate"].as_f64().unwrap_or_default();
            }
        }
        runs
    }
}

/// Where the records are.
fn root() -> String {
    format!("/axon/{}/jobs/", installation())
}
