using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Kubelet.Tests;

static class Make
{
    public static Pod Pod(params Container[] containers) => new()
    {
        Metadata = new() { Name = "web", Namespace = "default", Uid = "0f6b2a", Generation = 1 },
        Spec = new() { NodeName = "node", Containers = containers, RestartPolicy = "Always", DnsPolicy = "Default", TerminationGracePeriodSeconds = 30 },
    };

    public static Container Container(string name, string image) => new() { Name = name, Image = image };

    public static Pod Init(this Pod pod, params Container[] init) => pod with { Spec = pod.Spec with { InitContainers = init } };
    public static Pod Restart(this Pod pod, string policy) => pod with { Spec = pod.Spec with { RestartPolicy = policy } };

    public static Pod Deleted(this Pod pod, DateTimeOffset at, long grace = 30) =>
        pod with { Metadata = pod.Metadata with { DeletionTimestamp = at, DeletionGracePeriodSeconds = grace } };

    public static string Condition(this PodStatus status, string type) => status.Conditions.Find(c => c.Type == type)!.Status;
}

static class Clock
{
    public static void Advance(this Kit.FakeTime time, double seconds) => time.Advance(TimeSpan.FromSeconds(seconds));
}
