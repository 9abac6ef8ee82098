//! A specification as a value that can be changed at random and that knows what it promises.
//!
//! Neighbours: `fleets` has some to begin with, `edit` changes it, `stage` hands its YAML to the processes, `audit` holds AWS against it; `job` is work that ends. It is written
//! from the reference of the objects and uses nothing of the product: what it says a service may lose is its own sum.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::job::Job;

/// The one cluster of every fleet.
pub const CLUSTER: &str = "ml";

/// What is added to the name of a service for the job that compiles for it.
pub const COMPILES: &str = "-compile";

/// Chips of the smaller of the two types that a shared pool may have.
const SHARED_CHIPS: u32 = 12;

/// Everything declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Container Insights of the cluster: on or off.
    pub insights: bool,
    /// Pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Jobs by name.
    pub jobs: BTreeMap<String, Job>,
    /// The job that was removed last.
    pub gone: Option<(String, Job)>,
    /// So many jobs were added: no two have the same name.
    pub named: u32,
    /// Whether jobs make room for services, and for jobs of higher priority, on its Auto Scaling groups.
    pub yields: bool,
}

/// What a pool is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// ECS Managed Instances with one chip each.
    Managed,
    /// Auto Scaling groups of instances with twelve chips that services share.
    Packed,
    /// Auto Scaling groups of instances with one chip.
    Rolling,
    /// The same in one subnet, where several instances may work together.
    Gang,
}

/// One pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Where its instances come from.
    pub shape: Shape,
    /// Bought as Spot.
    pub spot: bool,
    /// One of two sets of subnets.
    pub subnets: usize,
    /// One of two lists of instance types.
    pub types: usize,
    /// Instances at most, in groups.
    pub max: u32,
    /// A tag that people change.
    pub team: u32,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its pool.
    pub pool: String,
    /// How many tasks.
    pub replicas: u32,
    /// Chips of each, in packed pools.
    pub devices: u32,
    /// What its image does once it runs.
    pub image: Image,
    /// The version of its image.
    pub version: u32,
    /// An environment variable that people change.
    pub env: u32,
    /// `minimumHealthyPercent`.
    pub least: u32,
    /// `maximumPercent`.
    pub most: u32,
    /// Whether its container has a health check.
    pub checked: bool,
    /// Whether its model is compiled before it is deployed.
    pub compiled: bool,
    /// A tag that people change.
    pub team: u32,
}

/// What an image does; the account knows it by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// Runs and is well.
    Well,
    /// Ends with 1 after twenty seconds.
    Crashes,
    /// Runs and never passes its health check.
    Sick,
    /// Cannot be pulled.
    Missing,
}

impl Image {
    /// The repository that stands for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Crashes => "crashes",
            Self::Sick => "sick",
            Self::Missing => "missing",
        }
    }
}

impl Service {
    /// One task of an image that is well, on this pool.
    pub fn on(pool: &str) -> Self {
        Self {
            pool: pool.to_owned(),
            replicas: 2,
            devices: 1,
            image: Image::Well,
            version: 1,
            env: 1,
            least: 100,
            most: 200,
            checked: true,
            compiled: false,
            team: 1,
        }
    }

    /// What its container runs.
    pub fn image(&self) -> String {
        format!("111122223333.dkr.ecr.us-east-1.amazonaws.com/{}:{}", self.image.name(), self.version)
    }

    /// The least healthy tasks that an update may leave: `minimumHealthyPercent` of `replicas`, rounded up.
    pub const fn floor(&self) -> u32 {
        (self.replicas * self.least).div_ceil(100)
    }
}

impl Pool {
    /// On-demand capacity of this shape.
    pub const fn of(shape: Shape) -> Self {
        Self { shape, spot: false, subnets: 0, types: 0, max: 8, team: 1 }
    }
}

impl Fleet {
    /// Nothing but the cluster.
    pub const fn empty() -> Self {
        Self {
            insights: true,
            pools: BTreeMap::new(),
            services: BTreeMap::new(),
            jobs: BTreeMap::new(),
            gone: None,
            named: 0,
            yields: false,
        }
    }

    /// With a pool.
    #[must_use]
    pub fn pool(mut self, name: &str, pool: Pool) -> Self {
        self.pools.insert(name.to_owned(), pool);
        self
    }

    /// With a service.
    #[must_use]
    pub fn service(mut self, name: &str, service: Service) -> Self {
        self.services.insert(name.to_owned(), service);
        self
    }

    /// With jobs that make room.
    #[must_use]
    pub fn yielding(mut self) -> Self {
        self.yields = true;
        self
    }

    /// With a job.
    #[must_use]
    pub fn job(mut self, name: &str, job: Job) -> Self {
        self.jobs.insert(name.to_owned(), job);
        self
    }

    /// A job that is declared, or that compiles for a service. Axon makes the latter: one task with the devices of the service,
    /// which has a deadline.
    pub fn work(&self, name: &str) -> Option<Cow<'_, Job>> {
        let of = |service: &Service| Job {
            devices: service.devices,
            completions: 1,
            parallelism: 1,
            deadline: Some(360),
            marred: true,
            ..Job::on(&service.pool)
        };
        let service = || self.services.get(name.strip_suffix(COMPILES)?).filter(|service| service.compiled);
        self.jobs.get(name).map(Cow::Borrowed).or_else(|| service().map(|service| Cow::Owned(of(service))))
    }

    /// Whether every shared pool has room for its services and for one instance more: without that, nothing can be replaced
    /// where no replica may be missing.
    pub fn has_room(&self) -> bool {
        let shared = self.pools.iter().filter(|(_, pool)| pool.shape == Shape::Packed);
        shared.into_iter().all(|(name, pool)| {
            let here = self.services.values().filter(|service| service.pool == *name);
            let mut sizes: Vec<u32> =
                here.flat_map(|service| (0..service.replicas).map(move |_| service.devices)).collect();
            sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
            // The largest first, each on the first instance where it fits.
            let mut left: Vec<u32> = Vec::new();
            for size in sizes {
                match left.iter_mut().find(|left| **left >= size) {
                    Some(left) => *left -= size,
                    None => left.push(SHARED_CHIPS.saturating_sub(size)),
                }
            }
            u32::try_from(left.len()).is_ok_and(|count| count < pool.max)
        })
    }

    /// The whole specification, as a user writes it.
    pub fn yaml(&self) -> String {
        let mut text = cluster(if self.insights { "Enhanced" } else { "Disabled" });
        for (name, pool) in &self.pools {
            text.push_str("---\n");
            text.push_str(&pool_yaml(name, pool));
            if self.yields && pool.shape != Shape::Managed {
                text.push_str("    jobPreemption: LowerPriority\n");
            }
        }
        for (name, service) in &self.services {
            let shape = self.pools.get(&service.pool).map_or(Shape::Managed, |pool| pool.shape);
            text.push_str("---\n");
            text.push_str(&service_yaml(name, service, shape));
        }
        for (name, job) in &self.jobs {
            let shape = self.pools.get(&job.pool).map_or(Shape::Managed, |pool| pool.shape);
            text.push_str("---\n");
            text.push_str(&job.yaml(name, shape));
        }
        text
    }
}

fn cluster(insights: &str) -> String {
    format!(
        "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {{name: {CLUSTER}}}\nspec: {{containerInsights: {insights}}}\n"
    )
}

fn pool_yaml(name: &str, pool: &Pool) -> String {
    let subnets = match (pool.shape, pool.subnets % 2) {
        (Shape::Gang, 0) => "[subnet-0a1b2c3d]",
        (Shape::Gang, _) => "[subnet-4e5f6a7b]",
        (_, 0) => "[subnet-0a1b2c3d, subnet-4e5f6a7b]",
        (_, _) => "[subnet-4e5f6a7b, subnet-1c2d3e4f]",
    };
    let option = if pool.spot { "Spot" } else { "OnDemand" };
    let head = format!(
        "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {{name: {name}}}\nspec:\n  cluster: {CLUSTER}\n  tags: {{team: \"{}\"}}\n",
        pool.team
    );
    let types = match (pool.shape, pool.types % 2) {
        (Shape::Managed, 0) => "[inf2.8xlarge, trn1.2xlarge]",
        (Shape::Managed | Shape::Gang, _) => "[trn1.2xlarge]",
        (Shape::Packed, 0) => "[inf2.48xlarge]",
        (Shape::Packed, _) => "[trn1.32xlarge]",
        (Shape::Rolling, 0) => "[inf2.xlarge]",
        (Shape::Rolling, _) => "[inf2.xlarge, inf2.8xlarge]",
    };
    let body = match pool.shape {
        Shape::Managed => format!(
            "  managedInstances:\n    infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole\n    \
             instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron\n    subnets: {subnets}\n    \
             securityGroups: [sg-0a1b2c3d]\n    capacityOption: {option}\n    instanceRequirements: {{allowedInstanceTypes: {types}}}\n"
        ),
        Shape::Packed | Shape::Rolling | Shape::Gang => format!(
            "  autoScalingGroup:\n    instanceTypes: {types}\n    \
             instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole\n    subnets: {subnets}\n    \
             securityGroups: [sg-0a1b2c3d]\n    capacityOption: {option}\n    maxSize: {}\n    \
             rollout: {{policy: Roll, soak: 2m, timeout: 15m}}\n",
            pool.max
        ),
    };
    head + &body
}

fn service_yaml(name: &str, service: &Service, shape: Shape) -> String {
    let (cpu, memory) = match shape {
        Shape::Managed => (4096, 16384),
        Shape::Packed => (8192 * service.devices, 30000 * service.devices),
        Shape::Rolling | Shape::Gang => (2048, 8192),
    };
    let mut text = format!(
        "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronService\nmetadata: {{name: {name}}}\nspec:\n  pool: {}\n  replicas: {}\n  \
         tags: {{team: \"{}\"}}\n  deployment: {{minimumHealthyPercent: {}, maximumPercent: {}}}\n",
        service.pool, service.replicas, service.team, service.least, service.most
    );
    if shape == Shape::Packed {
        let _written = writeln!(text, "  devices: {}", service.devices);
    }
    if service.compiled {
        let _written = writeln!(text, "  compile: {{cache: \"s3://ml-neuron-cache/{name}\", command: [compile]}}");
    }
    let role = if service.compiled { "    taskRoleArn: arn:aws:iam::111122223333:role/axon/server\n" } else { "" };
    let check = if service.checked {
        "        healthCheck: {command: [CMD-SHELL, \"curl -f http://localhost:8080/health\"], startPeriod: 1m}\n"
    } else {
        ""
    };
    let _written = write!(
        text,
        "  template:\n{role}    cpu: {cpu}\n    memory: {memory}\n    \
         executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole\n    containers:\n      - name: server\n        \
         image: {}\n        ports: [{{containerPort: 8080}}]\n        \
         env: {{VERSION: \"{}\"}}\n{check}",
        service.image(),
        service.env,
    );
    text
}
