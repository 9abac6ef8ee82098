//! What a service deployment goes through, as plain values: lifecycle stages, runs of hooks, the watch over alarms.
//! Neighbours: `state` keeps them, `ecs::stage` moves on, `ecs::alarms` watches. No rule of AWS's belongs here.

use jiff::Timestamp;

/// The lifecycle stages of a deployment that is not rolling, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

impl Stage {
    /// As hooks name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReconcileService => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }

    /// As `lifecycleStage` shows it: the model's enum there has no PRE_PRODUCTION_TRAFFIC_SHIFT, although hooks can name it.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::PreProductionTrafficShift => Self::ProductionTrafficShift.name(),
            other => other.name(),
        }
    }

    pub(crate) fn next(self) -> Self {
        match self {
            Self::ReconcileService => Self::PreScaleUp,
            Self::PreScaleUp => Self::ScaleUp,
            Self::ScaleUp => Self::PostScaleUp,
            Self::PostScaleUp => Self::TestTrafficShift,
            Self::TestTrafficShift => Self::PostTestTrafficShift,
            Self::PostTestTrafficShift => Self::PreProductionTrafficShift,
            Self::PreProductionTrafficShift => Self::ProductionTrafficShift,
            Self::ProductionTrafficShift => Self::PostProductionTrafficShift,
            Self::PostProductionTrafficShift => Self::BakeTime,
            Self::BakeTime | Self::CleanUp => Self::CleanUp,
        }
    }
}

/// Where a deployment stands.
#[derive(Debug, Clone)]
pub(crate) struct Stages {
    pub(crate) at: Stage,
    /// The stage whose hooks have been started.
    pub(crate) entered: Option<Stage>,
    /// When a stage that takes time is over.
    pub(crate) until: Option<Timestamp>,
    /// Every run of a hook so far.
    pub(crate) runs: Vec<HookRun>,
}

impl Stages {
    pub(crate) fn from(at: Stage) -> Self {
        Self { at, entered: None, until: None, runs: Vec::new() }
    }
}

/// One run of a lifecycle hook.
#[derive(Debug, Clone)]
pub(crate) struct HookRun {
    pub(crate) id: String,
    /// The ARN of the function; none for a pause.
    pub(crate) function: Option<String>,
    pub(crate) stage: Stage,
    pub(crate) status: &'static str,
    pub(crate) expires_at: Timestamp,
    /// `ROLLBACK` or `CONTINUE`.
    pub(crate) on_timeout: &'static str,
}

impl HookRun {
    pub(crate) fn open(&self) -> bool {
        matches!(self.status, "AWAITING_ACTION" | "IN_PROGRESS")
    }
}

/// The watch over the alarms of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// `DISABLED`, `MONITORING`, `TRIGGERED` or `MONITORING_COMPLETE`.
    pub(crate) status: &'static str,
    pub(crate) triggered: Vec<String>,
}
