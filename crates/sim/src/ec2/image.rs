//! Machine images that someone else publishes: what they are, whether they launch, how their agents behave. Neighbours: `world`
//! holds them, `ssm` names them, `images` describes them. No image belongs to the account.

use jiff::Timestamp;

use crate::{catalog::ARCHITECTURE, ssm, world::World};

/// An Amazon machine image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `ami-…`.
    pub id: String,
    /// Its name, such as `al2023-ami-ecs-neuron-hvm-2023.0.20251215-kernel-6.1-x86_64`.
    pub name: String,
    /// The version of the ECS agent in it.
    pub agent_version: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Whether it can be launched.
    pub state: ImageState,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is deprecated. A deprecated image can be launched and described by its id.
    pub deprecated_at: Option<Timestamp>,
    /// What instances launched from it do.
    pub acts: ImageActs,
}

/// The state of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageState {
    /// Can be launched.
    Available,
    /// Not copied yet.
    Pending,
    /// Deregistered: it can neither be launched nor, by others than its owner, be described.
    Deregistered,
}

/// What instances of an image do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageActs {
    /// Their agent registers and their tasks run.
    Good,
    /// They run, but no agent registers.
    NeverRegisters,
    /// Their agent registers, and tasks with Neuron devices on them end with an error soon after they start.
    TasksFail,
}

impl Image {
    /// An available image for x86_64 with a good agent.
    pub fn new(id: impl Into<String>, name: impl Into<String>, agent_version: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            agent_version: agent_version.into(),
            architecture: "x86_64".to_owned(),
            state: ImageState::Available,
            created_at: Timestamp::UNIX_EPOCH,
            deprecated_at: None,
            acts: ImageActs::Good,
        }
    }

    /// The same, created at another moment.
    #[must_use]
    pub fn created(mut self, at: Timestamp) -> Self {
        self.created_at = at;
        self
    }

    /// The same, acting in another way.
    #[must_use]
    pub fn acting(mut self, acts: ImageActs) -> Self {
        self.acts = acts;
        self
    }
}

/// The image that an instance is launched from: `ami-…` or `resolve:ssm:<parameter>`. A failure is told in EC2's words.
pub(crate) fn to_launch(world: &World, named: &str) -> Result<String, String> {
    let id = match named.strip_prefix("resolve:ssm:") {
        Some(parameter) => ssm::value(world, parameter)
            .ok_or_else(|| format!("The parameter {parameter} could not be resolved to an image ID."))?,
        None => named.to_owned(),
    };
    if id.is_empty() {
        return Err("The request must contain the parameter ImageId.".to_owned());
    }
    let missing = || format!("The image id '[{id}]' does not exist.");
    let image = world.images.get(&id).filter(|i| i.state != ImageState::Deregistered).ok_or_else(missing)?;
    if image.state == ImageState::Pending {
        return Err(format!("The image id '[{id}]' is not available."));
    }
    if image.architecture != ARCHITECTURE {
        return Err(format!(
            "The architecture '{ARCHITECTURE}' of the specified instance type does not match the architecture '{}' of the \
             specified AMI.",
            image.architecture
        ));
    }
    Ok(id)
}
