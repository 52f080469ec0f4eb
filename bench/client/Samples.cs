using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Bench.Client;

/// <summary>Pods as clusters have them: two containers, a ReplicaSet above, running.</summary>
static class Samples
{
    public static Pod Pod(int i, string version)
    {
        static Container Container(string name) => new()
        {
            Name = name, Image = "registry.example/team/" + name + ":1.2.3", ImagePullPolicy = "IfNotPresent",
            Env = [new() { Name = "MODE", Value = "production" }, new() { Name = "REGION", Value = "north" }],
            Ports = [new() { Name = "http", ContainerPortValue = 8080, Protocol = "TCP" }],
            Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse("100m")), ("memory", Quantity.Parse("128Mi"))), Limits = Map.Of(("memory", Quantity.Parse("256Mi"))) },
            VolumeMounts = [new() { Name = "kube-api-access", MountPath = "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly = true }],
            TerminationMessagePath = "/dev/termination-log", TerminationMessagePolicy = "File",
        };
        static PodCondition Condition(string type) => new() { Type = type, Status = "True", LastTransitionTime = DateTimeOffset.UnixEpoch.AddYears(50) };
        string hash = $"{i * 7919 % 1_000_000:x6}";
        return new()
        {
            Metadata = new()
            {
                Name = $"web-{i / 100}-{hash}-{i}", GenerateName = $"web-{i / 100}-", Namespace = "ns-" + i % 20, Uid = Guid.NewGuid().ToString(), ResourceVersion = version,
                CreationTimestamp = DateTimeOffset.UnixEpoch.AddYears(50), Labels = Map.Of(("app", "web-" + i / 100), ("pod-template-hash", hash)),
                OwnerReferences = [new() { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "web-" + i / 100, Uid = Guid.NewGuid().ToString(), Controller = true, BlockOwnerDeletion = true }],
            },
            Spec = new()
            {
                NodeName = "node-" + i % 150, RestartPolicy = "Always", DnsPolicy = "ClusterFirst", ServiceAccountName = "default", SchedulerName = "default-scheduler",
                Containers = [Container("app"), Container("sidecar")], TerminationGracePeriodSeconds = 30,
                Tolerations = [new() { Key = "node.kubernetes.io/not-ready", Operator = "Exists", Effect = "NoExecute", TolerationSeconds = 300 }],
            },
            Status = new()
            {
                Phase = "Running", PodIP = $"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", HostIP = "192.168.0." + i % 150, QosClass = "Burstable",
                Conditions = [Condition("Initialized"), Condition("Ready"), Condition("ContainersReady"), Condition("PodScheduled")],
                ContainerStatuses = [new() { Name = "app", Ready = true, Image = "registry.example/team/app:1.2.3", ContainerID = "containerd://" + Guid.NewGuid().ToString("N") },
                    new() { Name = "sidecar", Ready = true, Image = "registry.example/team/sidecar:1.2.3", ContainerID = "containerd://" + Guid.NewGuid().ToString("N") }],
            },
        };
    }
}
