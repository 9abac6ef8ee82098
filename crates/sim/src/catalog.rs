//! The instance types that exist in this simulated Region, from a table of our own (`catalog.txt`): sizes from the EC2
//! instance types guide and the Neuron hardware pages, prices as published for us-east-1 on demand (trn2 sizes are
//! estimates: AWS sells most of them as capacity blocks). Neighbours: `ecs::requirements` chooses from it, `ec2::types`
//! describes it.

use std::sync::LazyLock;

/// The processor architecture of every type of the table.
pub(crate) const ARCHITECTURE: &str = "x86_64";

/// One instance type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Type {
    pub(crate) name: &'static str,
    pub(crate) vcpus: i64,
    pub(crate) memory_mib: i64,
    pub(crate) accelerators: i64,
    /// Physical NeuronCores of each chip.
    pub(crate) cores: i64,
    pub(crate) chip_mib: i64,
    pub(crate) accelerator: Option<&'static str>,
    /// Price per hour in millionths of a dollar.
    pub(crate) price: i64,
    pub(crate) cpu: &'static str,
    pub(crate) generation: &'static str,
    pub(crate) local_gb: i64,
    pub(crate) interfaces: i64,
    pub(crate) ebs_mbps: i64,
    pub(crate) network_mbps: i64,
    /// How many EFA interfaces it can have.
    pub(crate) efa: i64,
    pub(crate) network_cards: i64,
}

static TYPES: LazyLock<Vec<Type>> =
    LazyLock::new(|| include_str!("catalog.txt").lines().filter(|l| !l.starts_with('#')).filter_map(row).collect());

impl Type {
    /// Neuron chips; a GPU is an accelerator but not one of these.
    pub(crate) fn chips(&self) -> i64 {
        if self.accelerator_manufacturer() == Some("amazon-web-services") { self.accelerators } else { 0 }
    }

    pub(crate) fn family(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    pub(crate) fn accelerator_manufacturer(&self) -> Option<&'static str> {
        match self.accelerator? {
            "inferentia" | "inferentia2" | "trainium" | "trainium2" => Some("amazon-web-services"),
            _ => Some("nvidia"),
        }
    }

    /// Whether AWS counts Trainium as `inference` is not documented; here only Inferentia is.
    pub(crate) fn accelerator_type(&self) -> Option<&'static str> {
        match self.accelerator? {
            "inferentia" | "inferentia2" => Some("inference"),
            "trainium" | "trainium2" => None,
            _ => Some("gpu"),
        }
    }

    /// The version of its NeuronCores.
    pub(crate) fn core_version(&self) -> i64 {
        match self.accelerator {
            Some("inferentia") => 1,
            Some("trainium2") => 3,
            _ => 2,
        }
    }

    /// "Spot: inf1, inf2, trn1, trn1n, trn2 yes; trn2u no."
    pub(crate) fn sold_on_spot(&self) -> bool {
        self.family() != "trn2u"
    }

    pub(crate) fn burstable(&self) -> bool {
        self.family().starts_with('t') && self.chips() == 0
    }
}

/// Every type, in the order of the table.
pub(crate) fn types() -> &'static [Type] {
    &TYPES
}

/// A type by its name.
pub(crate) fn find(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|t| t.name == name)
}

fn row(line: &'static str) -> Option<Type> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?;
    let mut number = || words.next().and_then(|w| w.parse::<i64>().ok());
    let (vcpus, memory_mib, accelerators, cores, chip_mib) = (number()?, number()?, number()?, number()?, number()?);
    let accelerator = words.next().filter(|w| *w != "-");
    let price = millionths(words.next()?)?;
    let (cpu, generation) = (words.next()?, words.next()?);
    let mut number = || words.next().and_then(|w| w.parse::<i64>().ok());
    let (local_gb, interfaces, ebs_mbps) = (number()?, number()?, number()?);
    let network_mbps = millionths(words.next()?)? / 1000;
    let mut number = || words.next().and_then(|w| w.parse::<i64>().ok());
    let (efa, network_cards) = (number()?, number()?);
    Some(Type {
        name,
        vcpus,
        memory_mib,
        accelerators,
        cores,
        chip_mib,
        accelerator,
        price,
        cpu,
        generation,
        local_gb,
        interfaces,
        ebs_mbps,
        network_mbps,
        efa,
        network_cards,
    })
}

fn millionths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 1_000_000 + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("catalog.txt").lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(types().len(), rows);
        assert_eq!(find("inf2.xlarge").map(|t| t.price), Some(758_200));
        assert_eq!(find("inf2.xlarge").map(|t| t.network_mbps), Some(2083));
    }
}
