//! Rules for jobs that wait for others: for jobs that exist, that come to an end, and not for one another.
//!
//! Neighbours: called by `validate` once every object has been judged alone; `job::agenda` waits. Not here: containers that
//! wait for one another (`dependencies`).

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::spec::{Fleet, Kind, Name, NeuronJob, Object};

use super::sharing::{Judged, hold};

/// So many jobs of a circle are named.
const NAMED: usize = 10;

/// For each job those that it waits for, itself left out.
type Edges<'a> = BTreeMap<&'a Name, BTreeSet<&'a Name>>;

/// Holds jobs that wait for what never comes.
pub(super) fn check(fleet: &mut Fleet, judged: &Judged<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let declared = judged.objects.iter().filter(|declared| declared.key.kind == Kind::NeuronJob);
    let known: BTreeSet<&Name> = declared.clone().map(|declared| &declared.key.name).collect();
    let readable = declared.filter_map(|declared| match &declared.object {
        Some(Object::Job(job)) => Some((&declared.key.name, &**job)),
        Some(Object::Cluster(_) | Object::Pool(_) | Object::Service(_)) | None => None,
    });
    let jobs: BTreeMap<&Name, &NeuronJob> = readable.collect();
    let edges = jobs.iter().map(|(name, job)| (*name, job.spec.depends_on.iter().filter(|o| o != name).collect()));
    let circle = circle(&edges.collect());
    for (name, job) in &jobs {
        let seen = Seen { jobs: &jobs, known: &known, circle: &circle };
        let found: Vec<_> = job.spec.depends_on.iter().filter_map(|other| seen.problem(name, other)).collect();
        for (code, message, help) in found {
            let found = judged.finding(code, &job.key(), "/spec/dependsOn");
            diagnostics.extend(found.map(|found| Diagnostic { message, help, ..found }));
            hold(fleet, job.key());
        }
    }
}

/// What is known of all jobs.
struct Seen<'s> {
    jobs: &'s BTreeMap<&'s Name, &'s NeuronJob>,
    known: &'s BTreeSet<&'s Name>,
    circle: &'s BTreeSet<&'s Name>,
}

impl Seen<'_> {
    /// Why a job cannot wait for another one.
    fn problem(&self, name: &Name, other: &Name) -> Option<(Code, String, String)> {
        if name == other {
            let message = "the job waits for itself".to_owned();
            return Some((Code::JobCycle, message, "Take it out of dependsOn.".to_owned()));
        }
        if !self.known.contains(other) {
            let names = self.known.iter().copied().filter(|known| *known != name).map(Name::as_str);
            let help = did_you_mean(other.as_str(), names).unwrap_or_else(|| {
                "Declare it; a job that is complete stays declared as long as others name it.".to_owned()
            });
            return Some((Code::UnknownJob, format!("no NeuronJob {other} is declared"), help));
        }
        if self.jobs.get(other).is_some_and(|job| job.spec.schedule.is_some()) {
            let message = format!("NeuronJob/{other} has a schedule, so it runs again and again and is never over");
            let help = "Wait for a job without a schedule, or give this one a schedule of its own.".to_owned();
            return Some((Code::WaitsForSchedule, message, help));
        }
        if self.circle.contains(name) && self.circle.contains(other) {
            let named: Vec<&str> = self.circle.iter().take(NAMED).map(|name| name.as_str()).collect();
            let more = if self.circle.len() > NAMED { " and others" } else { "" };
            let message = format!("it waits for {other}; these jobs wait for one another: {}{more}", named.join(", "));
            return Some((Code::JobCycle, message, "Remove one of the dependencies.".to_owned()));
        }
        None
    }
}

/// The jobs of circles, and those between two circles.
fn circle<'a>(edges: &Edges<'a>) -> BTreeSet<&'a Name> {
    let mut back: Edges<'a> = BTreeMap::new();
    for (name, others) in edges {
        for other in others {
            back.entry(*other).or_default().insert(*name);
        }
    }
    let mut left: BTreeSet<&Name> = edges.keys().copied().collect();
    trim(&mut left, edges, &back);
    trim(&mut left, &back, edges);
    left
}

/// Takes away, again and again, whoever leads to nobody who is left. `from` is `to` the other way round.
fn trim<'a>(left: &mut BTreeSet<&'a Name>, to: &Edges<'a>, from: &Edges<'a>) {
    let leads = |left: &BTreeSet<&Name>, name: &Name| to.get(name).into_iter().flatten().any(|o| left.contains(o));
    let mut ready: Vec<&Name> = left.iter().copied().filter(|name| !leads(left, name)).collect();
    while let Some(name) = ready.pop() {
        left.remove(name);
        let next = from.get(name).into_iter().flatten().copied();
        ready.extend(next.filter(|other| left.contains(other) && !leads(left, other)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_and_neither_who_leads_to_it_nor_whom_it_leads_to() {
        let names: Vec<Name> = ["a", "b", "c", "d", "e"].iter().map(|name| name.parse().unwrap()).collect();
        let edge = |from: usize, to: &[usize]| (&names[from], to.iter().map(|at| &names[*at]).collect());
        let found = |edges: Vec<(&Name, BTreeSet<&Name>)>| -> Vec<String> {
            circle(&edges.into_iter().collect()).into_iter().map(ToString::to_string).collect()
        };
        // a → b → c → d → b, and d → e.
        let round = vec![edge(0, &[1]), edge(1, &[2]), edge(2, &[3]), edge(3, &[1, 4]), edge(4, &[])];
        assert_eq!(found(round), ["b", "c", "d"]);
        assert!(found(vec![edge(0, &[1, 2]), edge(1, &[3]), edge(2, &[3]), edge(3, &[])]).is_empty());
        assert!(found(vec![edge(0, &[4])]).is_empty());
    }
}
