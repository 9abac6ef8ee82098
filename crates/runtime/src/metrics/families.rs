//! The values of all metrics of this process, and their text. The only file that names the crate `prometheus`.
//!
//! `catalog` says what there is, `meter` and `gauges` set values, [`Metrics::text`](super::Metrics::text) asks for the
//! page. Nothing is known here about what the metrics mean.

use std::collections::BTreeMap;

use prometheus::core::Collector;
#[cfg(target_os = "linux")]
use prometheus::process_collector::ProcessCollector;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};
use tracing::error;

use super::catalog::{Metric, MetricType, Spec};

/// One family for each metric of the catalogue.
#[derive(Debug)]
pub(super) struct Families {
    registry: Registry,
    all: BTreeMap<Metric, Family>,
}

#[derive(Clone, Debug)]
enum Family {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

impl Families {
    pub(super) fn new() -> Self {
        let registry = Registry::new();
        let mut all = BTreeMap::new();
        for metric in Metric::ALL {
            match family(&metric.spec(), &registry) {
                Ok(family) => {
                    all.insert(*metric, family);
                }
                // The tests of this file show that this does not happen.
                Err(error) => error!(%error, ?metric, "a metric cannot be exposed"),
            }
        }
        #[cfg(target_os = "linux")]
        if let Err(error) = registry.register(Box::new(ProcessCollector::for_self())) {
            error!(%error, "the metrics of the process itself cannot be exposed");
        }
        Self { registry, all }
    }

    /// Counts up. The labels' values are in the order of the catalogue.
    pub(super) fn add(&self, metric: Metric, labels: &[&str], by: f64) {
        let Some(Family::Counter(family)) = self.all.get(&metric) else { return misused(metric) };
        match family.get_metric_with_label_values(labels) {
            Ok(counter) if by >= 0.0 => counter.inc_by(by),
            _ => misused(metric),
        }
    }

    /// Shows a value.
    pub(super) fn set(&self, metric: Metric, labels: &[&str], value: f64) {
        let Some(Family::Gauge(family)) = self.all.get(&metric) else { return misused(metric) };
        match family.get_metric_with_label_values(labels) {
            Ok(gauge) => gauge.set(value),
            Err(_) => misused(metric),
        }
    }

    /// Adds to what a gauge shows.
    pub(super) fn raise(&self, metric: Metric, labels: &[&str], by: f64) {
        let Some(Family::Gauge(family)) = self.all.get(&metric) else { return misused(metric) };
        match family.get_metric_with_label_values(labels) {
            Ok(gauge) => gauge.add(by),
            Err(_) => misused(metric),
        }
    }

    /// Counts an observation.
    pub(super) fn observe(&self, metric: Metric, labels: &[&str], value: f64) {
        let Some(Family::Histogram(family)) = self.all.get(&metric) else { return misused(metric) };
        match family.get_metric_with_label_values(labels) {
            Ok(histogram) => histogram.observe(value),
            Err(_) => misused(metric),
        }
    }

    /// Forgets every series of a gauge.
    pub(super) fn clear(&self, metric: Metric) {
        match self.all.get(&metric) {
            Some(Family::Gauge(family)) => family.reset(),
            _ => misused(metric),
        }
    }

    /// Everything in Prometheus' text format 0.0.4. Metrics without any series are left out.
    pub(super) fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            error!(%error, "the metrics cannot be written");
            String::new()
        })
    }
}

fn family(spec: &Spec, registry: &Registry) -> prometheus::Result<Family> {
    let (opts, labels) = (Opts::new(spec.name, spec.help), spec.labels);
    match spec.kind {
        MetricType::Counter => registered(CounterVec::new(opts, labels)?, registry).map(Family::Counter),
        MetricType::Gauge => registered(GaugeVec::new(opts, labels)?, registry).map(Family::Gauge),
        MetricType::Histogram(buckets) => {
            let opts = HistogramOpts::from(opts).buckets(buckets.bounds().to_vec());
            registered(HistogramVec::new(opts, labels)?, registry).map(Family::Histogram)
        }
    }
}

fn registered<C: Collector + Clone + 'static>(collector: C, registry: &Registry) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

/// A wrong number of labels, or a counter used as a gauge: a bug that must not stop the operator.
fn misused(metric: Metric) {
    debug_assert!(false, "{metric:?} is used against its entry in the catalogue");
    error!(?metric, "a metric is used against its entry in the catalogue");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_catalogue_is_exposed() {
        let families = Families::new();
        for metric in Metric::ALL {
            let spec = metric.spec();
            let labels = vec!["x"; spec.labels.len()];
            match spec.kind {
                MetricType::Counter => families.add(*metric, &labels, 1.0),
                MetricType::Gauge => families.set(*metric, &labels, 1.0),
                MetricType::Histogram(_) => families.observe(*metric, &labels, 1.0),
            }
        }
        let text = families.text();
        for metric in Metric::ALL {
            let Spec { name, kind, help, .. } = metric.spec();
            assert!(text.contains(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name}")), "{name}");
        }
        assert_eq!(text.matches("# TYPE axon_").count(), Metric::ALL.len());
    }

    #[test]
    fn a_cleared_gauge_leaves_nothing_behind() {
        let families = Families::new();
        families.set(Metric::StepsInFlight, &["a"], 1.0);
        families.clear(Metric::StepsInFlight);
        assert!(!families.text().contains("axon_"), "{}", families.text());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_says_what_it_takes() {
        let text = Families::new().text();
        for name in ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"] {
            assert!(text.contains(&format!("\n{name} ")), "{name} is missing in {text}");
        }
    }
}
