//! Snapshot to specification: parse, validate, keep what was valid before, resolve.
//!
//! Between `source` and `axon_core::state`. The rules are `core`'s; what is added here is memory: an object that became
//! invalid stays in force as it was, and what an unreadable document may have declared stays too. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axon_core::cloud::Facts;
use axon_core::diagnostic::Diagnostic;
use axon_core::neuron::Catalog;
use axon_core::ownership::Installation;
use axon_core::parse::{SourceFile, parse};
use axon_core::resolve::{Context, resolve};
use axon_core::revision::Revisions;
use axon_core::roles::RoleRules;
use axon_core::spec::{Accepted, Completeness, Fleet, Kind, Name, ObjectKey};
use axon_core::state::Specified;
use axon_core::status::{Condition, ConditionType, Reason, Status, Truth};
use axon_core::target::Target;
use axon_core::validate::validate_under;
use jiff::Timestamp;

use crate::source::Snapshot;

/// Reads snapshots and remembers the last valid version of each object.
#[derive(Clone, Debug)]
pub struct Specifier {
    installation: Installation,
    catalog: Catalog,
    target: Option<Target>,
    roles: RoleRules,
    last: Fleet,
    /// The file that each object was last declared in.
    homes: BTreeMap<ObjectKey, Arc<str>>,
}

/// What a snapshot asks for.
#[derive(Clone, Debug, Default)]
pub struct Specification {
    /// What `State` learns.
    pub specified: Specified,
    /// Everything found in the files, including what does not keep them from being used.
    pub diagnostics: Vec<Diagnostic>,
    /// Objects whose newest version cannot be used, and why. An earlier version of them may be in force.
    pub faults: BTreeMap<ObjectKey, String>,
    /// The files that the diagnostics speak about.
    pub files: Arc<Vec<SourceFile>>,
}

impl Specifier {
    /// Remembers nothing yet.
    pub fn new(installation: Installation) -> Self {
        let (catalog, last, homes) = (Catalog::builtin(), Fleet::default(), BTreeMap::new());
        Self { installation, catalog, target: None, roles: RoleRules::ANY, last, homes }
    }

    /// Holds objects that would pass other roles than these.
    #[must_use]
    pub fn under(self, roles: RoleRules) -> Self {
        Self { roles, ..self }
    }

    /// Reads only what is for one target of several.
    #[must_use]
    pub fn only(self, target: Option<Target>) -> Self {
        Self { target, ..self }
    }

    /// Reads a snapshot.
    pub fn specify(&mut self, snapshot: &Snapshot, facts: &Facts) -> Specification {
        let parsed = parse(&snapshot.files);
        self.homes.extend(parsed.objects.iter().map(|found| (found.key.clone(), Arc::clone(&found.location.file))));
        let validated = validate_under(&self.roles, parsed, &self.catalog);
        let diagnostics = validated.diagnostics;
        let mut fleet = validated.fleet;
        if snapshot.completeness == Completeness::Partial {
            fleet.complete = Completeness::Partial;
        }
        let stalled = fleet.stalled.clone();
        fold(&mut fleet, &self.last);
        self.last = fleet.clone();
        let unclear = self.target.as_ref().map(|target| target.keep_part(&mut fleet)).unwrap_or_default();
        let revisions = self.revisions(snapshot);
        let context = Context { installation: &self.installation, facts, revisions: &revisions };
        let resolved = resolve(&fleet, context);
        self.homes.retain(|key, _| resolved.desired.declares(key));
        let mut faults: BTreeMap<ObjectKey, String> =
            stalled.iter().map(|key| (key.clone(), fault(key, &diagnostics) + meanwhile(key, &fleet))).collect();
        faults.extend(resolved.unresolved);
        faults.extend(unclear);
        Specification {
            specified: Specified {
                revision: snapshot.revision.clone(),
                desired: resolved.desired,
                completeness: fleet.complete,
            },
            diagnostics,
            faults,
            files: Arc::clone(&snapshot.files),
        }
    }

    /// Each object has the revision of the source that declares it, or did so last.
    fn revisions(&self, snapshot: &Snapshot) -> Revisions {
        let mut revisions = Revisions::new(&snapshot.revision);
        for (key, file) in &self.homes {
            revisions.set(key.clone(), snapshot.revision_of(file));
        }
        revisions
    }
}

/// Puts the last valid versions in the place of what cannot be used now.
fn fold(fleet: &mut Fleet, last: &Fleet) {
    let Fleet { clusters, pools, services, jobs, stalled, complete } = fleet;
    let mut keep = Keep { stalled, complete: *complete };
    keep.kind(Kind::NeuronCluster, clusters, &last.clusters);
    keep.kind(Kind::NeuronPool, pools, &last.pools);
    keep.kind(Kind::NeuronService, services, &last.services);
    keep.kind(Kind::NeuronJob, jobs, &last.jobs);
    // Absence proves nothing for an object that was held before without any valid version either.
    if *complete == Completeness::Partial {
        let declared = |key: &ObjectKey| match key.kind {
            Kind::NeuronCluster => clusters.contains_key(&key.name),
            Kind::NeuronPool => pools.contains_key(&key.name),
            Kind::NeuronService => services.contains_key(&key.name),
            Kind::NeuronJob => jobs.contains_key(&key.name),
        };
        stalled.extend(last.stalled.iter().filter(|key| !declared(key)).cloned());
    }
}

struct Keep<'a> {
    stalled: &'a mut BTreeSet<ObjectKey>,
    complete: Completeness,
}

impl Keep<'_> {
    fn kind<T: Clone>(
        &mut self,
        kind: Kind,
        now: &mut BTreeMap<Name, Accepted<T>>,
        last: &BTreeMap<Name, Accepted<T>>,
    ) {
        for (name, accepted) in last {
            let key = ObjectKey { kind, name: name.clone() };
            let unusable = self.stalled.remove(&key);
            let may_be_unread = self.complete == Completeness::Partial && !now.contains_key(name);
            if unusable || may_be_unread {
                now.insert(name.clone(), accepted.clone());
            }
        }
    }
}

fn fault(key: &ObjectKey, diagnostics: &[Diagnostic]) -> String {
    let mut errors = diagnostics.iter().filter(|found| found.is_error() && found.object.as_ref() == Some(key));
    let first = match errors.next() {
        Some(found) => format!("{} at {}: {}", found.code, found.at, found.message),
        None => "it cannot be read".to_owned(),
    };
    let more = match errors.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("{first}{more}")
}

fn meanwhile(key: &ObjectKey, fleet: &Fleet) -> &'static str {
    if fleet.stalled.contains(key) {
        "; nothing of it is changed or removed"
    } else {
        "; the last valid version stays in force"
    }
}

/// Adds to each status whether the newest specification of its object can be used. An object that is kept as it was is
/// not ready: it is not what the source declares.
pub(crate) fn declare_faults(
    statuses: &mut BTreeMap<ObjectKey, Status>,
    faults: &BTreeMap<ObjectKey, String>,
    before: &BTreeMap<ObjectKey, Status>,
    now: Timestamp,
) {
    for (key, status) in statuses.iter_mut() {
        let before = before.get(key);
        let put = |status: &mut Status, kind, truth, (reason, message): (Reason, &str)| {
            let earlier = before.and_then(|before| before.condition(kind)).filter(|earlier| earlier.status == truth);
            let last_transition_time = earlier.map_or(now, |earlier| earlier.last_transition_time);
            let condition =
                Condition { kind, status: truth, reason, message: message.to_owned(), last_transition_time };
            match status.conditions.iter_mut().find(|found| found.kind == kind) {
                Some(found) => *found = condition,
                None => status.conditions.push(condition),
            }
        };
        let Some(fault) = faults.get(key) else {
            put(status, ConditionType::SpecValid, Truth::True, (Reason::Succeeded, "valid"));
            continue;
        };
        let invalid = (Reason::InvalidSpec, fault.as_str());
        if status.is_ready() || status.is_stalled() {
            put(status, ConditionType::Ready, Truth::False, invalid);
            put(status, ConditionType::Stalled, Truth::True, invalid);
        }
        put(status, ConditionType::SpecValid, Truth::False, invalid);
    }
}
