//! The instances behind a pool of Auto Scaling groups: image, sizes, and who holds which Neuron device.
//!
//! Neighbours: `status` puts it below the conditions of a pool or below the overview, `chips` draws the devices. Not
//! here: which instances are out of date, which the status says.

use std::fmt::Write as _;

use axon_core::status::{GroupStatus, ImageStatus, InstanceStatus, Status};
use jiff::Timestamp;

use super::chips::Letters;
use super::findings::count;
use super::time::age;
use super::words::{NOTHING, one_line};
use crate::output::paint::{CAUTION, FAINT, STRONG, paint};

/// All groups of one pool, then who the letters are. Empty for any other object.
pub(crate) fn groups(status: &Status, now: Timestamp) -> String {
    let holders = status.groups.iter().flat_map(|group| &group.instances).flat_map(|instance| &instance.devices);
    let letters = Letters::of(holders.flatten().map(String::as_str));
    let mut text = String::new();
    for group in &status.groups {
        text.push_str(&drawn(group, &letters, now));
    }
    if status.groups.iter().any(|group| !group.instances.is_empty()) {
        let _ = writeln!(text, "{}", letters.legend());
    }
    text
}

/// Devices that tasks hold, and all devices of the instances.
pub(crate) fn held(groups: &[GroupStatus]) -> (usize, usize) {
    let instances = groups.iter().flat_map(|group| &group.instances);
    instances.fold((0, 0), |(held, all), instance| {
        (held + instance.devices.iter().flatten().count(), all + instance.devices.len())
    })
}

fn drawn(group: &GroupStatus, letters: &Letters, now: Timestamp) -> String {
    let mut text = format!("{}  {}\n", paint(STRONG, &group.instance_type), sizes(group));
    let version =
        group.template_version.map_or_else(String::new, |version| format!(", launch template version {version}"));
    let _ = writeln!(text, "  group  {}{version}", group.name);
    let _ =
        writeln!(text, "  image  {}", group.image.as_ref().map_or_else(|| "not known".to_owned(), |it| image(it, now)));
    if group.instances.is_empty() {
        return text;
    }
    let last = group.chips.saturating_sub(1);
    let devices = if last == 0 { "DEVICE 0".to_owned() } else { format!("DEVICES 0-{last}") };
    let heading = ["INSTANCE", "ZONE", "STATE"].map(str::to_owned);
    let rows: Vec<[String; 3]> = group.instances.iter().map(cells).collect();
    let widths: [usize; 3] = std::array::from_fn(|at| {
        let cells = rows.iter().chain([&heading]).filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let _ = writeln!(text, "  {}", paint(STRONG, aligned(&heading, widths) + &devices));
    for (row, instance) in rows.iter().zip(&group.instances) {
        let holders: Vec<Option<&str>> = instance.devices.iter().map(Option::as_deref).collect();
        let mark = if instance.out_of_date { format!("  {}", paint(CAUTION, "out of date")) } else { String::new() };
        let _ = writeln!(text, "  {}{}{mark}", aligned(row, widths), letters.draw(&holders));
    }
    text
}

fn sizes(group: &GroupStatus) -> String {
    let exist = u32::try_from(group.instances.len()).unwrap_or(u32::MAX);
    let mut parts = vec![format!("{exist} of {} wanted, at most {}", count_of(group.desired), group.max)];
    if exist > 0 {
        let (held, all) = held(std::slice::from_ref(group));
        parts.push(format!("{held} of {all} devices held"));
    }
    let late = group.instances.iter().filter(|instance| instance.out_of_date).count();
    if late > 0 {
        parts.push(paint(CAUTION, format!("{late} out of date")));
    }
    parts.join(" · ")
}

fn count_of(instances: i32) -> String {
    count(usize::try_from(instances).unwrap_or(0), "instance")
}

fn image(image: &ImageStatus, now: Timestamp) -> String {
    let made = image.created.map(|created| paint(FAINT, format!("{} old", age(now, created))));
    let agent = image.agent_version.as_deref().map(|version| format!("ECS agent {}", one_line(version)));
    let first = [Some(image.id.clone()), made, agent].into_iter().flatten().collect::<Vec<_>>().join(", ");
    // Names of images are long enough for a line of their own.
    let name = image.name.as_deref().map_or_else(String::new, |name| format!("\n         {}", one_line(name)));
    first + &name
}

fn cells(instance: &InstanceStatus) -> [String; 3] {
    let zone = instance.zone.clone().unwrap_or_else(|| NOTHING.to_owned());
    [instance.id.clone(), zone, one_line(&instance.state)]
}

fn aligned(cells: &[String; 3], widths: [usize; 3]) -> String {
    cells.iter().zip(widths).fold(String::new(), |mut line, (cell, width)| {
        let _ = write!(line, "{cell:width$}  ");
        line
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use axon_core::spec::ObjectKey;

    use super::super::status::tests::{START, later};
    use super::*;

    fn instance(id: &str, zone: &str, devices: &[(&str, usize)]) -> InstanceStatus {
        let holder = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        InstanceStatus {
            id: id.to_owned(),
            zone: Some(zone.to_owned()),
            state: "ACTIVE".to_owned(),
            out_of_date: false,
            devices: devices.iter().flat_map(|(name, times)| vec![holder(name); *times]).collect(),
        }
    }

    fn group(kind: &str, chips: u8, instances: Vec<InstanceStatus>) -> GroupStatus {
        GroupStatus {
            name: format!("axon-shared-{}-0a1b2c3d", kind.replace('.', "-")),
            instance_type: kind.to_owned(),
            chips,
            image: None,
            template_version: None,
            desired: i32::try_from(instances.len()).unwrap(),
            max: 4,
            instances,
        }
    }

    /// Two instances of twelve devices, one of them to be replaced.
    pub(crate) fn pool() -> Status {
        let mut old = instance("i-0123456789abcdef0", "us-east-1b", &[("llama", 4), ("", 8)]);
        old.state = "DRAINING".to_owned();
        old.out_of_date = true;
        let new = instance("i-00000000000000001", "us-east-1a", &[("llama", 8), ("bert", 1), ("", 3)]);
        let image = ImageStatus {
            id: "ami-0123456789abcdef0".to_owned(),
            name: Some("al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64".to_owned()),
            agent_version: Some("1.98.0".to_owned()),
            created: Some(START),
        };
        let large =
            GroupStatus { image: Some(image), template_version: Some(3), ..group("inf2.48xlarge", 12, vec![new, old]) };
        Status {
            object: ObjectKey::pool("shared".parse().unwrap()),
            observed_revision: "dir@sha256:0a1b2c3d4e5f".to_owned(),
            conditions: Vec::new(),
            resources: Vec::new(),
            replicas: None,
            groups: vec![large],
            job: None,
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_line_for_each_instance_draws_who_holds_its_devices() {
        let expected = "\
inf2.48xlarge  2 of 2 instances wanted, at most 4 · 13 of 24 devices held · 1 out of date
  group  axon-shared-inf2-48xlarge-0a1b2c3d, launch template version 3
  image  ami-0123456789abcdef0, 3d old, ECS agent 1.98.0
         al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64
  INSTANCE             ZONE        STATE     DEVICES 0-11
  i-00000000000000001  us-east-1a  ACTIVE    [llll llll b···]
  i-0123456789abcdef0  us-east-1b  DRAINING  [llll ···· ····]  out of date
b bert  l llama  · free
";
        assert_eq!(plain(&groups(&pool(), later(300_000))), expected);
        assert_eq!(held(&pool().groups), (13, 24));
    }

    #[test]
    fn the_widest_instance_line_fits_a_hundred_columns() {
        let mut widest = instance("i-0123456789abcdef0", "us-gov-west-1a", &[("llama", 16)]);
        widest.state = "Terminating:Wait".to_owned();
        widest.out_of_date = true;
        let status = Status { groups: vec![group("trn1.32xlarge", 16, vec![widest])], ..pool() };
        let text = plain(&groups(&status, START));
        let line = text.lines().find(|line| line.contains("i-0")).unwrap();
        assert!(line.chars().count() <= 100, "{line}");
        assert!(line.contains("[llll llll llll llll]  out of date"), "{line}");
    }

    #[test]
    fn types_share_one_legend_and_an_empty_group_has_no_table() {
        let single = group("trn1.2xlarge", 1, vec![instance("i-1", "us-east-1a", &[("bert", 1)])]);
        let status = Status { groups: vec![single, group("inf2.24xlarge", 6, Vec::new())], ..pool() };
        let expected = "\
trn1.2xlarge  1 of 1 instance wanted, at most 4 · 1 of 1 devices held
  group  axon-shared-trn1-2xlarge-0a1b2c3d
  image  not known
  INSTANCE  ZONE        STATE   DEVICE 0
  i-1       us-east-1a  ACTIVE  [b]
inf2.24xlarge  0 of 0 instances wanted, at most 4
  group  axon-shared-inf2-24xlarge-0a1b2c3d
  image  not known
b bert  · free
";
        assert_eq!(plain(&groups(&status, START)), expected);
    }

    #[test]
    fn machines_get_every_device() {
        let value = serde_json::json!(pool());
        let instance = &value["groups"][0]["instances"][1];
        assert_eq!(instance["outOfDate"], true);
        assert_eq!((&instance["devices"][3], &instance["devices"][4]), (&"llama".into(), &serde_json::Value::Null));
        assert_eq!(value["groups"][0]["image"]["agentVersion"], "1.98.0");
    }
}
