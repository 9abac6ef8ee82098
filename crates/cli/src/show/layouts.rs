//! What a plan does to Neuron devices and to the instances that have them: who gains, frees or moves, and where.
//!
//! Neighbours: `axon_core::layout` compares who should hold what with who does; `plan` and `plan_markdown` put this below
//! their steps; `chips` draws devices. Not here: the steps that bring it about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axon_core::allocate::PoolLayout;
use axon_core::layout::{InstanceChange, InstanceState, Slot};
use axon_core::preview::Preview;
use axon_core::spec::{Kind, Name};
use axon_core::step::{Action, Change, Resource};
use axon_runtime::Foreseen;
use serde_json::{Value, json};

use super::chips::{Letters, width};
use super::findings::count;
use super::signs::{color, sign};
use crate::output::paint::{STRONG, paint};

/// One instance type of a pool on which something changes.
struct Shift<'a> {
    pool: &'a Name,
    layout: &'a PoolLayout,
    rows: Vec<Row<'a>>,
}

/// One instance, or several alike that are to be launched.
struct Row<'a> {
    change: &'a InstanceChange,
    times: usize,
}

impl Row<'_> {
    fn kind(&self) -> Change {
        if self.change.instance.is_none() { Change::Create } else { Change::Update }
    }

    fn who(&self) -> String {
        match (&self.change.instance, &self.change.zone) {
            (None, _) if self.times == 1 => "new instance".to_owned(),
            (None, _) => format!("{} new instances", self.times),
            (Some(id), None) => id.clone(),
            (Some(id), Some(zone)) => format!("{id} {zone}"),
        }
    }

    /// Who holds which device afterwards.
    fn after(&self, chips: u8) -> Vec<Option<&str>> {
        let slots = self.change.kept.iter().chain(&self.change.gained);
        let mut devices = vec![None; usize::from(chips)];
        for slot in slots {
            for id in slot.devices.ids() {
                if let Some(device) = devices.get_mut(usize::from(id)) {
                    *device = Some(slot.workload.as_str());
                }
            }
        }
        devices
    }

    fn what(&self) -> String {
        let gained = self.change.gained.iter().map(|slot| format!("+ {} {}", slot.workload, slot.devices));
        let freed = self.change.freed.iter().map(|slot| format!("- {} {}", slot.workload, slot.devices));
        freed.chain(gained).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Shift<'a> {
    fn of(pool: &'a Name, layout: &'a PoolLayout) -> Self {
        let mut rows: Vec<Row<'_>> = Vec::new();
        for change in &layout.changes.instances {
            match rows.last_mut() {
                Some(last) if change.instance.is_none() && last.change == change => last.times += 1,
                Some(_) | None => rows.push(Row { change, times: 1 }),
            }
        }
        Self { pool, layout, rows }
    }

    fn new_instances(&self) -> usize {
        self.rows.iter().filter(|row| row.kind() == Change::Create).map(|row| row.times).sum()
    }

    /// What changes, without what each service has of it.
    fn title(&self) -> String {
        let new = self.new_instances();
        let kept = usize::try_from(self.layout.changes.kept).unwrap_or(usize::MAX);
        let parts = [
            (new > 0).then(|| format!("{} to be added", count(new, "instance"))),
            (kept > 0).then(|| format!("{} kept in place", count(kept, "replica"))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let end = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        format!("{}/{} on {}{end}", Kind::NeuronPool, self.pool, self.layout.instance_type)
    }

    /// Each service with the devices that it has more or less, and with what becomes of its replicas.
    fn services(&self) -> Vec<(&'a str, String)> {
        let mut by_service: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
        let mut add = |slot: &'a Slot, [replicas, devices]: [usize; 2]| {
            let sums = by_service.entry(slot.workload.as_str()).or_default();
            for (at, more) in [(replicas, 1), (devices, slot.devices.len())] {
                if let Some(sum) = sums.get_mut(at) {
                    *sum += more;
                }
            }
        };
        for change in &self.layout.changes.instances {
            change.gained.iter().for_each(|slot| add(slot, [0, 1]));
            change.freed.iter().for_each(|slot| add(slot, [2, 3]));
        }
        by_service.into_iter().map(|(name, sums)| (name, balance(sums))).collect()
    }
}

/// `+8 devices: 2 replicas gained, 1 moved`.
fn balance([gained, more, freed, less]: [usize; 4]) -> String {
    let devices = match (more.saturating_sub(less), less.saturating_sub(more)) {
        (0, 0) => "as many devices".to_owned(),
        (plus, 0) => format!("+{}", count(plus, "device")),
        (_, minus) => format!("-{}", count(minus, "device")),
    };
    let parts = [
        (gained.saturating_sub(freed), "gained"),
        (freed.saturating_sub(gained), "freed"),
        (gained.min(freed), "moved"),
    ];
    let replicas = parts.into_iter().filter(|(number, _)| *number > 0);
    let replicas: Vec<String> = replicas.map(|(number, verb)| format!("{} {verb}", count(number, "replica"))).collect();
    format!("{devices}: {}", replicas.join(", "))
}

/// What happens to instances that exist.
struct Leaving<'a> {
    sign: &'static str,
    id: &'a str,
    what: &'static str,
}

/// Instances that steps drain or terminate, or that are being drained already.
fn leaving(foreseen: &Foreseen) -> Vec<Leaving<'_>> {
    let steps = foreseen.preview.steps().filter_map(|step| match (&step.resource, &step.action) {
        (Resource::Instance(id), Action::UpdateContainerInstancesState { status: "DRAINING", .. }) => {
            Some(Leaving { sign: sign(Change::Update), id, what: "to be drained" })
        }
        (Resource::Instance(id), Action::TerminateInstanceInAutoScalingGroup { .. }) => {
            Some(Leaving { sign: sign(Change::Delete), id, what: "to be terminated" })
        }
        _ => None,
    });
    let mut leaving: Vec<Leaving<'_>> = steps.collect();
    for live in foreseen.layouts.values().flatten().flat_map(|layout| &layout.live) {
        if live.state == InstanceState::Draining && leaving.iter().all(|known| known.id != live.id) {
            leaving.push(Leaving { sign: sign(Change::Update), id: &live.id, what: "being drained" });
        }
    }
    leaving
}

/// Everything that changes; empty if no step is made or no device and no instance is concerned.
struct Shifts<'a> {
    types: Vec<Shift<'a>>,
    leaving: Vec<Leaving<'a>>,
    letters: Letters,
}

fn shifts(foreseen: &Foreseen) -> Shifts<'_> {
    if makes_no_step(&foreseen.preview) {
        return Shifts { types: Vec::new(), leaving: Vec::new(), letters: Letters::default() };
    }
    let layouts = foreseen.layouts.iter().flat_map(|(pool, layouts)| layouts.iter().map(move |layout| (pool, layout)));
    let changed = layouts.filter(|(_, layout)| !layout.changes.instances.is_empty());
    let types: Vec<Shift<'_>> = changed.map(|(pool, layout)| Shift::of(pool, layout)).collect();
    let rows = types.iter().flat_map(|shift| &shift.rows);
    let slots = rows.flat_map(|row| row.change.kept.iter().chain(&row.change.gained));
    let letters = Letters::of(slots.map(|slot| slot.workload.as_str()));
    Shifts { types, leaving: leaving(foreseen), letters }
}

fn makes_no_step(preview: &Preview) -> bool {
    preview.steps().next().is_none()
}

/// The section of a plan for a terminal, with an empty line after it; empty if nothing changes.
pub(crate) fn text(foreseen: &Foreseen) -> String {
    let Shifts { types: shifts, leaving, letters } = shifts(foreseen);
    let mut text = String::new();
    if shifts.is_empty() && leaving.is_empty() {
        return text;
    }
    let _ = writeln!(text, "{}", paint(STRONG, "Devices"));
    for shift in &shifts {
        let _ = writeln!(text, "  {}", shift.title());
        let services = shift.services();
        let widest = services.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, balance) in services {
            let _ = writeln!(text, "    {name:widest$}  {balance}");
        }
        let names: Vec<String> = shift.rows.iter().map(Row::who).collect();
        let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for (row, name) in shift.rows.iter().zip(names) {
            let drawn = letters.draw(&row.after(shift.layout.chips));
            let kind = row.kind();
            let _ = writeln!(text, "    {} {name:widest$}  {drawn}  {}", paint(color(kind), sign(kind)), row.what());
        }
    }
    for Leaving { sign, id, what } in &leaving {
        let _ = writeln!(text, "  {sign} instance {id}: {what}");
    }
    if !shifts.is_empty() {
        let _ = writeln!(text, "  {}", letters.legend());
    }
    text.push('\n');
    text
}

/// The section of a plan for a pull request; empty if nothing changes.
pub(crate) fn markdown(foreseen: &Foreseen) -> String {
    let Shifts { types: shifts, leaving, letters } = shifts(foreseen);
    let mut text = String::new();
    if shifts.is_empty() && leaving.is_empty() {
        return text;
    }
    text.push_str("\n**Devices**\n\n");
    for shift in &shifts {
        let _ = writeln!(text, "- {}", shift.title());
        for (name, balance) in shift.services() {
            let _ = writeln!(text, "  - {name}: {balance}");
        }
    }
    for Leaving { id, what, .. } in &leaving {
        let _ = writeln!(text, "- instance {id}: {what}");
    }
    if shifts.is_empty() {
        return text;
    }
    text.push_str("\n```diff\n");
    let rows = || shifts.iter().flat_map(|shift| shift.rows.iter().map(move |row| (shift, row)));
    let widest = rows().map(|(_, row)| row.who().chars().count()).max().unwrap_or(0);
    let drawing = rows().map(|(shift, _)| width(usize::from(shift.layout.chips))).max().unwrap_or(0);
    for (shift, row) in rows() {
        // A line that begins with neither + nor - has no colour in a diff, as it should be for what changes in place.
        let mark = if row.kind() == Change::Create { "+" } else { " " };
        let drawn = letters.draw(&row.after(shift.layout.chips));
        let drawn = anstream::adapter::strip_str(&drawn).to_string();
        let _ = writeln!(text, "{mark} {:widest$}  {drawn:drawing$}  {}", row.who(), row.what());
    }
    let legend = anstream::adapter::strip_str(&letters.legend()).to_string();
    let _ = writeln!(text, "  {legend}\n```");
    text
}

/// The same for machines: one entry for each instance type of a pool on which something changes.
pub(crate) fn json(foreseen: &Foreseen) -> Value {
    let Shifts { types: shifts, .. } = shifts(foreseen);
    let entries = shifts.iter().map(|shift| {
        json!({
            "pool": shift.pool,
            "instanceType": shift.layout.instance_type,
            "chips": shift.layout.chips,
            "newInstances": shift.new_instances(),
            "changes": shift.layout.changes,
        })
    });
    Value::Array(entries.collect())
}

#[cfg(test)]
mod tests {
    use axon_core::layout::{Changes, Layout, LiveInstance};
    use axon_core::step::{Cause, Step};

    use super::super::plan::tests::sample;
    use super::*;

    fn slot(workload: &str, devices: &str) -> Slot {
        Slot { workload: workload.parse().unwrap(), devices: devices.parse().unwrap() }
    }

    fn slots(slots: &[(&str, &str)]) -> Vec<Slot> {
        slots.iter().map(|(workload, devices)| slot(workload, devices)).collect()
    }

    fn on(instance: &str, [kept, freed, gained]: [&[(&str, &str)]; 3]) -> InstanceChange {
        InstanceChange {
            instance: Some(instance.to_owned()),
            zone: Some("us-east-1a".to_owned()),
            kept: slots(kept),
            freed: slots(freed),
            gained: slots(gained),
        }
    }

    fn new(gained: &[(&str, &str)]) -> InstanceChange {
        InstanceChange { instance: None, zone: None, kept: Vec::new(), freed: Vec::new(), gained: slots(gained) }
    }

    /// One replica of `llama` moves within an instance, one of `bert` goes, and two of `llama` come on new instances.
    fn changes() -> Changes {
        Changes {
            kept: 1,
            moved: 1,
            gained: 2,
            freed: 1,
            counts: Vec::new(),
            instances: vec![
                on("i-0123456789abcdef0", [&[("bert", "8")], &[("bert", "9"), ("llama", "0-3")], &[("llama", "4-7")]]),
                new(&[("llama", "0-3")]),
                new(&[("llama", "0-3")]),
            ],
        }
    }

    fn foreseen(preview: Preview, changes: Changes) -> Foreseen {
        let live = |id: &str, state| LiveInstance { id: id.to_owned(), zone: None, state, holds: Vec::new() };
        let layout = PoolLayout {
            instance_type: "inf2.48xlarge".to_owned(),
            chips: 12,
            layout: Layout { rows: Vec::new(), unplaced: Vec::new(), fresh: 3 },
            live: vec![live("i-1", InstanceState::Draining), live("i-2", InstanceState::Usable)],
            changes,
        };
        Foreseen { preview, layouts: BTreeMap::from([("shared".parse().unwrap(), vec![layout])]) }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_plan_says_who_gains_frees_and_moves_devices_and_draws_where() {
        let expected = "\
Devices
  NeuronPool/shared on inf2.48xlarge: 2 instances to be added, 1 replica kept in place
    bert   -1 device: 1 replica freed
    llama  +8 devices: 2 replicas gained, 1 replica moved
    ~ i-0123456789abcdef0 us-east-1a  [···· llll b···]  - bert 9, - llama 0-3, + llama 4-7
    + 2 new instances                 [llll ···· ····]  + llama 0-3
  ~ instance i-1: being drained
  b bert  l llama  · free

";
        assert_eq!(plain(&text(&foreseen(sample(), changes()))), expected);
    }

    #[test]
    fn a_pull_request_sees_the_same_without_colours() {
        let expected = "
**Devices**

- NeuronPool/shared on inf2.48xlarge: 2 instances to be added, 1 replica kept in place
  - bert: -1 device: 1 replica freed
  - llama: +8 devices: 2 replicas gained, 1 replica moved
- instance i-1: being drained

```diff
  i-0123456789abcdef0 us-east-1a  [···· llll b···]  - bert 9, - llama 0-3, + llama 4-7
+ 2 new instances                 [llll ···· ····]  + llama 0-3
  b bert  l llama  · free
```
";
        assert_eq!(markdown(&foreseen(sample(), changes())), expected);
    }

    #[test]
    fn nothing_is_said_where_no_step_is_made() {
        let still = Preview { ended: true, ..Preview::default() };
        let foreseen = foreseen(still, changes());
        assert_eq!((text(&foreseen), markdown(&foreseen)), (String::new(), String::new()));
        assert_eq!(json(&foreseen), json!([]));
    }

    #[test]
    fn steps_elsewhere_do_not_make_a_change_of_devices() {
        let quiet = Foreseen { preview: sample(), ..Foreseen::default() };
        assert_eq!((text(&quiet), markdown(&quiet)), (String::new(), String::new()));
    }

    #[test]
    fn an_instance_that_a_step_drains_is_named_once() {
        let step = Step {
            object: axon_core::spec::ObjectKey::pool("shared".parse().unwrap()),
            resource: Resource::Instance("i-1".to_owned()),
            action: Action::UpdateContainerInstancesState {
                cluster: "ml".to_owned(),
                instance: "arn".to_owned(),
                status: "DRAINING",
            },
            because: vec![Cause::NotDeclared],
        };
        let preview = Preview { rounds: vec![vec![step]], blocked: Vec::new(), ended: true };
        let text = plain(&text(&foreseen(preview, Changes::default())));
        assert_eq!(text, "Devices\n  ~ instance i-1: to be drained\n\n");
    }

    #[test]
    fn machines_get_the_changes_of_every_instance_type() {
        let value = json(&foreseen(sample(), changes()));
        assert_eq!((&value[0]["pool"], &value[0]["newInstances"]), (&json!("shared"), &json!(2)));
        assert_eq!(value[0]["changes"]["instances"][0]["gained"][0], json!({"workload": "llama", "devices": "4-7"}));
    }
}
