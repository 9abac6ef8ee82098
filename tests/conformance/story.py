"""One script of calls through boto3, for every operation that the simulator answers. It runs the same on a simulated account, on
moto and on ministack.

Neighbours: `teller` makes the calls; `answered` runs the script on the simulator and checks each answer, `differing` compares what the
others answer. Must not hold: what an answer should be.
"""

import base64

from teller import first

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/"
RECOMMENDED = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended"
USER_DATA = base64.b64encode(b"#!/bin/bash\necho ECS_CLUSTER=story >> /etc/ecs/ecs.config\n").decode()
GROUP = {"AutoScalingGroupName": "story-hosts"}
KIND = "inf2.xlarge"
NEURON = [
    *("inf1.xlarge", "inf1.2xlarge", "inf1.6xlarge", "inf1.24xlarge", "inf2.xlarge", "inf2.8xlarge", "inf2.24xlarge", "inf2.48xlarge"),
    *("trn1.2xlarge", "trn1.32xlarge", "trn1n.32xlarge", "trn2.3xlarge", "trn2.48xlarge", "trn2u.48xlarge"),
]


def tell(teller, subnets):
    """The whole story."""
    ask = teller.ask
    who(ask)
    image = parameters(ask)
    clusters(ask)
    revision = definitions(ask)
    hosts(teller, image, subnets)
    provider(teller)
    services(teller, revision)
    tasks(teller, revision)
    logs(teller)
    managed(teller, subnets)
    refreshes(teller)
    end(teller)


def who(ask):
    ask("who am I", "sts", "GetCallerIdentity")
    ask("a role is assumed", "sts", "AssumeRole", RoleArn=ROLE + "someone", RoleSessionName="story", DurationSeconds=900)
    ask("a setting is put", "ecs", "PutAccountSetting", name="containerInsights", value="enabled")
    ask("settings are listed", "ecs", "ListAccountSettings", name="containerInsights", effectiveSettings=True)


def parameters(ask):
    one = ask("a parameter", "ssm", "GetParameter", Name=f"{RECOMMENDED}/image_id")
    ask("parameters, one unknown", "ssm", "GetParameters", Names=[f"{RECOMMENDED}/image_id", "/no/such"])
    ask("parameters by path", "ssm", "GetParametersByPath", Path=RECOMMENDED, Recursive=True, MaxResults=10)
    own_parameters(ask)
    image = first(one, "Parameter", "Value") or "ami-0a1b2c3d4e5f60718"
    ask("the image", "ec2", "DescribeImages", ImageIds=[image])
    for kind in NEURON:
        ask(f"the type {kind}", "ec2", "DescribeInstanceTypes", InstanceTypes=[kind])
    filters = [{"Name": "instance-type", "Values": [KIND]}]
    ask("where a type is offered", "ec2", "DescribeInstanceTypeOfferings", LocationType="availability-zone", Filters=filters)
    return image


def own_parameters(ask):
    """Parameters of the account's own, created once, changed, tagged and deleted."""
    tags = [{"Key": "team", "Value": "nlp"}]
    ask("a parameter is created", "ssm", "PutParameter", Name="/story/a", Value="one", Type="String", Tags=tags)
    ask("the same parameter", "ssm", "PutParameter", Name="/story/a", Value="two", Type="String", Overwrite=False)
    ask("a parameter is overwritten", "ssm", "PutParameter", Name="/story/a", Value="three", Overwrite=True)
    ask("a list", "ssm", "PutParameter", Name="/story/b", Value="x,y", Type="StringList")
    ask("its first version", "ssm", "GetParameter", Name="/story/a:1")
    ask("own parameters, one unknown", "ssm", "GetParameters", Names=["/story/b", "/story/a", "/story/none"])
    ask("own parameters by path", "ssm", "GetParametersByPath", Path="/story")
    named = {"ResourceType": "Parameter", "ResourceId": "/story/a"}
    ask("tags of a parameter", "ssm", "AddTagsToResource", **named, Tags=[{"Key": "stage", "Value": "test"}])
    ask("tags of a parameter taken", "ssm", "RemoveTagsFromResource", **named, TagKeys=["team"])
    ask("tags of a parameter listed", "ssm", "ListTagsForResource", **named)
    ask("a parameter is deleted", "ssm", "DeleteParameter", Name="/story/a")
    ask("parameters are deleted, one unknown", "ssm", "DeleteParameters", Names=["/story/b", "/story/a"])


def clusters(ask):
    ask(
        "a cluster", "ecs", "CreateCluster", clusterName="story",
        settings=[{"name": "containerInsights", "value": "enhanced"}], tags=[{"key": "team", "value": "nlp"}],
    )  # fmt: skip
    ask("the same cluster", "ecs", "CreateCluster", clusterName="story")
    ask("clusters described", "ecs", "DescribeClusters", clusters=["story", "missing"], include=["SETTINGS", "TAGS", "STATISTICS"])
    ask("clusters listed", "ecs", "ListClusters")
    ask("a cluster updated", "ecs", "UpdateCluster", cluster="story", settings=[{"name": "containerInsights", "value": "disabled"}])
    ask(
        "its settings updated",
        "ecs",
        "UpdateClusterSettings",
        cluster="story",
        settings=[{"name": "containerInsights", "value": "enabled"}],
    )
    arn = f"arn:aws:ecs:{REGION}:{ask('who owns it', 'sts', 'GetCallerIdentity').get('Account')}:cluster/story"
    ask("tags are added", "ecs", "TagResource", resourceArn=arn, tags=[{"key": "stage", "value": "test"}])
    ask("tags are taken", "ecs", "UntagResource", resourceArn=arn, tagKeys=["team"])
    ask("tags are listed", "ecs", "ListTagsForResource", resourceArn=arn)


def definitions(ask):
    container = {
        "name": "server",
        "image": "server:1",
        "cpu": 512,
        "memory": 1024,
        "essential": True,
        "command": ["serve"],
        "environment": [{"name": "MODEL", "value": "llama"}],
        "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
        "linuxParameters": {"devices": [{"hostPath": "/dev/neuron0", "containerPath": "/dev/neuron0", "permissions": ["read", "write"]}]},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "story", "awslogs-region": REGION}},
    }
    members = {
        "family": "story",
        "containerDefinitions": [container],
        "networkMode": "bridge",
        "requiresCompatibilities": ["EC2"],
        "placementConstraints": [{"type": "memberOf", "expression": f"attribute:ecs.instance-type == {KIND}"}],
    }
    ask("a revision", "ecs", "RegisterTaskDefinition", **members, tags=[{"key": "team", "value": "nlp"}])
    ask("another revision", "ecs", "RegisterTaskDefinition", **members)
    found = ask("a revision described", "ecs", "DescribeTaskDefinition", taskDefinition="story:1", include=["TAGS"])
    ask("the newest revision", "ecs", "DescribeTaskDefinition", taskDefinition="story")
    ask("a missing revision", "ecs", "DescribeTaskDefinition", taskDefinition="missing:7")
    ask("revisions listed", "ecs", "ListTaskDefinitions", familyPrefix="story", sort="DESC")
    ask("families", "ecs", "ListTaskDefinitionFamilies", familyPrefix="story", status="ACTIVE")
    ask("a revision deregistered", "ecs", "DeregisterTaskDefinition", taskDefinition="story:2")
    ask("a revision deleted", "ecs", "DeleteTaskDefinitions", taskDefinitions=["story:2"])
    return first(found, "taskDefinition", "taskDefinitionArn") or "story:1"


def hosts(teller, image, subnets):
    """A launch template and a group with one host."""
    ask = teller.ask
    ask("subnets", "ec2", "DescribeSubnets", SubnetIds=subnets[:1])
    data = {
        "ImageId": image,
        "InstanceType": KIND,
        "IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/hosts"},
        "UserData": USER_DATA,
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 100, "VolumeType": "gp3", "Encrypted": True}}],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "nlp"}]}],
    }
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "team", "Value": "nlp"}]}]
    name = {"LaunchTemplateName": "story"}
    made = ask(
        "a template", "ec2", "CreateLaunchTemplate", **name, VersionDescription="one", LaunchTemplateData=data, TagSpecifications=tags
    )
    ask("the same template", "ec2", "CreateLaunchTemplate", **name, LaunchTemplateData=data)
    ask(
        "a version",
        "ec2",
        "CreateLaunchTemplateVersion",
        **name,
        VersionDescription="two",
        SourceVersion="1",
        LaunchTemplateData={"InstanceType": KIND},
    )
    ask("a version more", "ec2", "CreateLaunchTemplateVersion", **name, LaunchTemplateData=data)
    ask("the default version", "ec2", "ModifyLaunchTemplate", **name, DefaultVersion="2")
    ask("a version deleted", "ec2", "DeleteLaunchTemplateVersions", **name, Versions=["3", "9"])
    ask("templates", "ec2", "DescribeLaunchTemplates", LaunchTemplateNames=["story"])
    ask("a missing template", "ec2", "DescribeLaunchTemplates", LaunchTemplateNames=["missing"])
    ask("versions", "ec2", "DescribeLaunchTemplateVersions", **name, Versions=["1", "2"])
    template = first(made, "LaunchTemplate", "LaunchTemplateId") or "lt-0a1b2c3d4e5f60718"
    ask("tags of a template", "ec2", "CreateTags", Resources=[template], Tags=[{"Key": "stage", "Value": "test"}])
    ask("tags of a template taken", "ec2", "DeleteTags", Resources=[template], Tags=[{"Key": "team"}])
    ask(
        "a group", "autoscaling", "CreateAutoScalingGroup", **GROUP,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"}, MinSize=0, MaxSize=4, DesiredCapacity=1,
        VPCZoneIdentifier=",".join(subnets), NewInstancesProtectedFromScaleIn=True, HealthCheckGracePeriod=60,
        Tags=[{"Key": "team", "Value": "nlp", "PropagateAtLaunch": True}],
    )  # fmt: skip
    ask(
        "the same group",
        "autoscaling",
        "CreateAutoScalingGroup",
        **GROUP,
        MinSize=0,
        MaxSize=1,
        VPCZoneIdentifier=subnets[0],
        LaunchTemplate={"LaunchTemplateId": template},
    )
    tag = {"ResourceId": "story-hosts", "ResourceType": "auto-scaling-group"}
    ask("tags of a group", "autoscaling", "CreateOrUpdateTags", Tags=[{**tag, "Key": "stage", "Value": "test", "PropagateAtLaunch": False}])
    ask("tags of groups", "autoscaling", "DescribeTags", Filters=[{"Name": "auto-scaling-group", "Values": ["story-hosts"]}])
    ask("tags of a group taken", "autoscaling", "DeleteTags", Tags=[{**tag, "Key": "stage"}])
    ask("a group updated", "autoscaling", "UpdateAutoScalingGroup", **GROUP, MaxSize=3)
    ask("the size of a group", "autoscaling", "SetDesiredCapacity", **GROUP, DesiredCapacity=2)
    teller.until(
        "the group", "autoscaling", "DescribeAutoScalingGroups", lambda a: in_service(a) == 2, AutoScalingGroupNames=["story-hosts"]
    )
    members = ask("members", "autoscaling", "DescribeAutoScalingInstances")
    ask("activities", "autoscaling", "DescribeScalingActivities", **GROUP, MaxRecords=1)
    ids = [one["InstanceId"] for one in members.get("AutoScalingInstances", [])] or ["i-0a1b2c3d4e5f60718"]
    filters = [{"Name": "tag:aws:autoscaling:groupName", "Values": ["story-hosts"]}]
    ask("machines", "ec2", "DescribeInstances", Filters=filters)
    ask("a member is free", "autoscaling", "SetInstanceProtection", **GROUP, InstanceIds=ids[-1:], ProtectedFromScaleIn=False)
    ask("a member goes", "autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=ids[-1], ShouldDecrementDesiredCapacity=True)
    teller.until(
        "the group with one less",
        "autoscaling",
        "DescribeAutoScalingGroups",
        lambda a: members_of(a) == 1,
        AutoScalingGroupNames=["story-hosts"],
    )


def in_service(answer):
    group = first(answer, "AutoScalingGroups") or {}
    return sum(one["LifecycleState"] == "InService" for one in group.get("Instances", []))


def members_of(answer):
    group = first(answer, "AutoScalingGroups") or {}
    return len(group.get("Instances", []))


def provider(teller):
    """The group as a capacity provider of the cluster."""
    ask = teller.ask
    group = first(
        ask("the group's ARN", "autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=["story-hosts"]),
        "AutoScalingGroups",
        "AutoScalingGroupARN",
    )
    behind = {
        "autoScalingGroupArn": group or "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:x:autoScalingGroupName/story-hosts",
        "managedScaling": {"status": "ENABLED", "targetCapacity": 100, "instanceWarmupPeriod": 120},
        "managedTerminationProtection": "ENABLED",
        "managedDraining": "ENABLED",
    }
    ask(
        "a provider",
        "ecs",
        "CreateCapacityProvider",
        name="story-hosts",
        autoScalingGroupProvider=behind,
        tags=[{"key": "team", "value": "nlp"}],
    )
    teller.until(
        "the provider",
        "ecs",
        "DescribeCapacityProviders",
        lambda a: first(a, "capacityProviders", "status") == "ACTIVE",
        capacityProviders=["story-hosts"],
        include=["TAGS"],
    )
    ask(
        "a provider updated",
        "ecs",
        "UpdateCapacityProvider",
        name="story-hosts",
        autoScalingGroupProvider={"managedScaling": {"status": "ENABLED", "targetCapacity": 90}},
    )
    teller.until("hosts", "ecs", "ListContainerInstances", lambda a: len(a["containerInstanceArns"]) == 1, cluster="story")
    strategy = [{"capacityProvider": "story-hosts", "weight": 1, "base": 0}]
    ask(
        "providers of the cluster",
        "ecs",
        "PutClusterCapacityProviders",
        cluster="story",
        capacityProviders=["story-hosts"],
        defaultCapacityProviderStrategy=strategy,
    )
    teller.until(
        "the cluster has its provider",
        "ecs",
        "DescribeClusters",
        lambda a: first(a, "clusters", "attachmentsStatus") == "UPDATE_COMPLETE",
        clusters=["story"],
        include=["ATTACHMENTS"],
    )
    found = ask("hosts again", "ecs", "ListContainerInstances", cluster="story")
    host = first(found, "containerInstanceArns") or "0a1b2c3d4e5f60718"
    ask(
        "hosts described",
        "ecs",
        "DescribeContainerInstances",
        cluster="story",
        containerInstances=[host],
        include=["TAGS", "CONTAINER_INSTANCE_HEALTH"],
    )
    attribute = {"name": "rack", "value": "front", "targetType": "container-instance", "targetId": host}
    ask("an attribute", "ecs", "PutAttributes", cluster="story", attributes=[attribute])
    ask("attributes", "ecs", "ListAttributes", cluster="story", targetType="container-instance", attributeName="rack")
    ask(
        "an attribute taken",
        "ecs",
        "DeleteAttributes",
        cluster="story",
        attributes=[{key: value for key, value in attribute.items() if key != "value"}],
    )
    ask("a host drains", "ecs", "UpdateContainerInstancesState", cluster="story", containerInstances=[host], status="DRAINING")
    ask("a host is back", "ecs", "UpdateContainerInstancesState", cluster="story", containerInstances=[host], status="ACTIVE")


def services(teller, revision):
    ask = teller.ask
    named = {"cluster": "story", "service": "server"}
    ask(
        "a service", "ecs", "CreateService", cluster="story", serviceName="server", taskDefinition=revision, desiredCount=1,
        capacityProviderStrategy=[{"capacityProvider": "story-hosts", "weight": 1, "base": 0}],
        deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 0, "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        placementStrategy=[{"type": "binpack", "field": "memory"}],
        enableECSManagedTags=True, propagateTags="SERVICE", tags=[{"key": "team", "value": "nlp"}],
    )  # fmt: skip
    ask("the same service", "ecs", "CreateService", cluster="story", serviceName="server", taskDefinition="story:1", desiredCount=2)
    teller.until("the service", "ecs", "DescribeServices", completed, cluster="story", services=["server", "missing"], include=["TAGS"])
    ask("services", "ecs", "ListServices", cluster="story")
    ask("a service updated", "ecs", "UpdateService", **named, forceNewDeployment=True)
    deployments = ask("deployments of a service", "ecs", "ListServiceDeployments", **named)
    arn = (
        first(deployments, "serviceDeployments", "serviceDeploymentArn")
        or "arn:aws:ecs:us-east-1:123456789012:service-deployment/story/server/0a1b2c3d4e5f"
    )
    found = ask("a deployment", "ecs", "DescribeServiceDeployments", serviceDeploymentArns=[arn])
    target = (
        first(found, "serviceDeployments", "targetServiceRevision", "arn")
        or "arn:aws:ecs:us-east-1:123456789012:service-revision/story/server/1"
    )
    ask("what it deploys", "ecs", "DescribeServiceRevisions", serviceRevisionArns=[target])
    ask("a deployment is stopped", "ecs", "StopServiceDeployment", serviceDeploymentArn=arn, stopType="ROLLBACK")
    teller.until("the service is whole again", "ecs", "DescribeServices", completed, cluster="story", services=["server"])
    ask("a deployment that waits for nothing", "ecs", "ContinueServiceDeployment", serviceDeploymentArn=arn, hookId="none")
    ask("none wanted", "ecs", "UpdateService", **named, desiredCount=0)
    teller.until(
        "none is left", "ecs", "DescribeServices", lambda a: first(a, "services", "runningCount") == 0, cluster="story", services=["server"]
    )
    ask("a service deleted", "ecs", "DeleteService", **named)
    ask("a missing service deleted", "ecs", "DeleteService", cluster="story", service="missing")


def completed(answer):
    service = first(answer, "services") or {}
    return [one.get("rolloutState") for one in service.get("deployments", [])] == ["COMPLETED"] and service["runningCount"] == service[
        "desiredCount"
    ]


def tasks(teller, revision):
    ask = teller.ask
    found = ask(
        "tasks are run",
        "ecs",
        "RunTask",
        cluster="story",
        taskDefinition=revision,
        launchType="EC2",
        startedBy="story",
        tags=[{"key": "team", "value": "nlp"}],
    )
    arn = first(found, "tasks", "taskArn") or "0a1b2c3d4e5f60718a1b2c3d4e5f6071"
    ask("tasks", "ecs", "ListTasks", cluster="story", startedBy="story")
    teller.until(
        "a task runs",
        "ecs",
        "DescribeTasks",
        lambda a: first(a, "tasks", "lastStatus") == "RUNNING",
        cluster="story",
        tasks=[arn, "missing"],
        include=["TAGS"],
    )
    ask("a task is stopped", "ecs", "StopTask", cluster="story", task=arn, reason="the end")
    teller.until(
        "a task has stopped", "ecs", "DescribeTasks", lambda a: first(a, "tasks", "lastStatus") == "STOPPED", cluster="story", tasks=[arn]
    )
    hosts = ask("hosts at last", "ecs", "ListContainerInstances", cluster="story")
    host = first(hosts, "containerInstanceArns") or "0a1b2c3d4e5f60718"
    ask("a host is deregistered", "ecs", "DeregisterContainerInstance", cluster="story", containerInstance=host, force=True)


def logs(teller):
    """A log group from nothing and back to nothing, and what a task has written into another one."""
    ask = teller.ask
    ask("a log group", "logs", "CreateLogGroup", logGroupName="/story", tags={"team": "nlp"})
    ask("the same log group", "logs", "CreateLogGroup", logGroupName="/story")
    ask("log groups", "logs", "DescribeLogGroups", logGroupNamePrefix="/story")
    found = teller.until(
        "streams of the tasks", "logs", "DescribeLogStreams", lambda a: bool(a["logStreams"]), logGroupName="story", limit=1
    )
    named = {"logGroupName": "story", "logStreamName": first(found, "logStreams", "logStreamName") or "none"}
    page = teller.until(
        "the latest events", "logs", "GetLogEvents", lambda a: bool(a["events"]), **named, limit=2
    )
    ask("events before them", "logs", "GetLogEvents", **named, nextToken=page.get("nextBackwardToken") or "none")
    page = ask("events of the group", "logs", "FilterLogEvents", logGroupName="story", limit=1)
    ask("more events of the group", "logs", "FilterLogEvents", logGroupName="story", nextToken=page.get("nextToken") or "none")
    ask("events of no stream", "logs", "GetLogEvents", logGroupName="/story", logStreamName="none")
    ask("a log group deleted", "logs", "DeleteLogGroup", logGroupName="/story")
    ask("events of no group", "logs", "FilterLogEvents", logGroupName="/story")


def managed(teller, subnets):
    """ECS Managed Instances: a provider, a service with a pause, and the end of both."""
    ask = teller.ask
    ask("a cluster of its own", "ecs", "CreateCluster", clusterName="managed")
    template = {
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
        "networkConfiguration": {"subnets": subnets, "securityGroups": ["sg-0a1b2c3d"]},
        "storageConfiguration": {"storageSizeGiB": 100},
        "instanceRequirements": {
            "vCpuCount": {"min": 1},
            "memoryMiB": {"min": 1},
            "allowedInstanceTypes": ["inf2*"],
            "acceleratorManufacturers": ["amazon-web-services"],
        },
    }
    behind = {
        "infrastructureRoleArn": ROLE + "ecsInfrastructureRole",
        "instanceLaunchTemplate": template,
        "propagateTags": "CAPACITY_PROVIDER",
    }
    ask("a managed provider", "ecs", "CreateCapacityProvider", name="managed", cluster="managed", managedInstancesProvider=behind)
    teller.until(
        "the managed provider",
        "ecs",
        "DescribeCapacityProviders",
        lambda a: first(a, "capacityProviders", "status") == "ACTIVE",
        cluster="managed",
        capacityProviders=["managed"],
    )
    ask(
        "a managed revision", "ecs", "RegisterTaskDefinition", family="managed", networkMode="awsvpc", cpu="1024", memory="2048",
        requiresCompatibilities=["MANAGED_INSTANCES"],
        containerDefinitions=[{"name": "server", "image": "server:1", "resourceRequirements": [{"type": "NeuronDevice", "value": "ALL"}]}],
    )  # fmt: skip
    pause = {"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}
    ask(
        "a managed service", "ecs", "CreateService", cluster="managed", serviceName="server", taskDefinition="managed", desiredCount=1,
        capacityProviderStrategy=[{"capacityProvider": "managed", "weight": 1}],
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets[:1], "securityGroups": ["sg-0a1b2c3d"]}},
        deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [pause]},
    )  # fmt: skip
    found = teller.until(
        "a deployment pauses",
        "ecs",
        "ListServiceDeployments",
        lambda a: first(a, "serviceDeployments"),
        cluster="managed",
        service="server",
    )
    arn = (
        first(found, "serviceDeployments", "serviceDeploymentArn")
        or "arn:aws:ecs:us-east-1:123456789012:service-deployment/managed/server/0a1b2c3d4e5f"
    )
    paused = teller.until("where it pauses", "ecs", "DescribeServiceDeployments", lambda a: paused_hook(a), serviceDeploymentArns=[arn])
    ask("it goes on", "ecs", "ContinueServiceDeployment", serviceDeploymentArn=arn, hookId=paused_hook(paused) or "none")
    teller.until("the managed service", "ecs", "DescribeServices", completed, cluster="managed", services=["server"])
    tasks = ask("managed tasks", "ecs", "ListTasks", cluster="managed", serviceName="server")
    ask("managed tasks described", "ecs", "DescribeTasks", cluster="managed", tasks=tasks.get("taskArns") or ["missing"])
    hosts = ask("managed hosts", "ecs", "ListContainerInstances", cluster="managed")
    ask(
        "managed hosts described",
        "ecs",
        "DescribeContainerInstances",
        cluster="managed",
        containerInstances=hosts.get("containerInstanceArns") or ["missing"],
    )
    changed = {**behind, "propagateTags": "NONE", "instanceLaunchTemplate": {**template, "storageConfiguration": {"storageSizeGiB": 120}}}
    ask("a managed provider updated", "ecs", "UpdateCapacityProvider", name="managed", cluster="managed", managedInstancesProvider=changed)
    ask("a managed service deleted", "ecs", "DeleteService", cluster="managed", service="server", force=True)
    teller.until(
        "no managed service",
        "ecs",
        "DescribeServices",
        lambda a: first(a, "services", "status") == "INACTIVE",
        cluster="managed",
        services=["server"],
    )
    ask("a managed provider deleted", "ecs", "DeleteCapacityProvider", capacityProvider="managed", cluster="managed")
    ask("the managed provider at its end", "ecs", "DescribeCapacityProviders", cluster="managed", capacityProviders=["managed"])


def paused_hook(answer):
    """The hook that a deployment waits for."""
    hooks = (first(answer, "serviceDeployments") or {}).get("lifecycleHookDetails", [])
    return next((one.get("hookId") for one in hooks if one.get("status") == "AWAITING_ACTION"), None)


def refreshes(teller):
    ask = teller.ask
    preferences = {"MinHealthyPercentage": 0, "InstanceWarmup": 0, "SkipMatching": False}
    ask("no refresh to cancel", "autoscaling", "CancelInstanceRefresh", **GROUP)
    ask("a refresh", "autoscaling", "StartInstanceRefresh", **GROUP, Preferences=preferences)
    ask("refreshes", "autoscaling", "DescribeInstanceRefreshes", **GROUP)
    ask("a refresh cancelled", "autoscaling", "CancelInstanceRefresh", **GROUP)
    teller.until(
        "the refresh is over",
        "autoscaling",
        "DescribeInstanceRefreshes",
        lambda a: first(a, "InstanceRefreshes", "Status") == "Cancelled",
        **GROUP,
    )
    found = ask("the template of the group", "ec2", "DescribeLaunchTemplates", LaunchTemplateNames=["story"])
    template = first(found, "LaunchTemplates", "LaunchTemplateId")
    desired = {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}}
    ask(
        "a refresh to another version",
        "autoscaling",
        "StartInstanceRefresh",
        **GROUP,
        DesiredConfiguration=desired,
        Preferences={**preferences, "BakeTime": 86400},
    )
    ask("a refresh rolled back", "autoscaling", "RollbackInstanceRefresh", **GROUP)
    teller.until(
        "the refresh is undone",
        "autoscaling",
        "DescribeInstanceRefreshes",
        lambda a: first(a, "InstanceRefreshes", "Status") == "RollbackSuccessful",
        **GROUP,
    )


def end(teller):
    ask = teller.ask
    machines = ask("machines at last", "ec2", "DescribeInstances", Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    machine = first(machines, "Reservations", "Instances", "InstanceId") or "i-0a1b2c3d4e5f60718"
    ask("a machine is terminated", "ec2", "TerminateInstances", InstanceIds=[machine])
    ask("no provider", "ecs", "PutClusterCapacityProviders", cluster="story", capacityProviders=[], defaultCapacityProviderStrategy=[])
    teller.until(
        "the cluster has none",
        "ecs",
        "DescribeClusters",
        lambda a: first(a, "clusters", "attachmentsStatus") == "UPDATE_COMPLETE",
        clusters=["story"],
        include=["ATTACHMENTS"],
    )
    ask("the provider is deleted", "ecs", "DeleteCapacityProvider", capacityProvider="story-hosts")
    ask("the group is deleted", "autoscaling", "DeleteAutoScalingGroup", **GROUP, ForceDelete=True)
    teller.until(
        "the group is gone",
        "autoscaling",
        "DescribeAutoScalingGroups",
        lambda a: not a["AutoScalingGroups"],
        AutoScalingGroupNames=["story-hosts"],
    )
    ask("the template is deleted", "ec2", "DeleteLaunchTemplate", LaunchTemplateName="story")
    teller.until("no host is left", "ecs", "ListContainerInstances", lambda a: not a["containerInstanceArns"], cluster="story")
    ask("the cluster is deleted", "ecs", "DeleteCluster", cluster="story")
    ask("clusters at last", "ecs", "DescribeClusters", clusters=["story"])
    ask("a cluster that is missing", "ecs", "DeleteCluster", cluster="missing")
