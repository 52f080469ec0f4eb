using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Tests.Cgroups;

public sealed class ResourceTests
{
    static Container With(string? cpu, string? memory, string? cpuLimit, string? memoryLimit)
    {
        return Make.Container("app", "app") with { Resources = new() { Requests = Of(cpu, memory), Limits = Of(cpuLimit, memoryLimit) } };

        static Map<Quantity> Of(string? cpu, string? memory)
        {
            var map = default(Map<Quantity>);
            if (cpu is not null) map = map.Set("cpu", Quantity.Parse(cpu));
            return memory is null ? map : map.Set("memory", Quantity.Parse(memory));
        }
    }

    [Theory]
    [InlineData(null, null, null, null, "BestEffort")]
    [InlineData("1", null, null, null, "Burstable")]
    [InlineData("1", "1Gi", "1", "1Gi", "Guaranteed")]
    [InlineData("1", "1Gi", "2", "1Gi", "Burstable")]
    [InlineData(null, null, "1", "1Gi", "Burstable")] // the API server sets requests from limits; without that they are not equal
    public void Quality_of_service_follows_requests_and_limits(string? cpu, string? memory, string? cpuLimit, string? memoryLimit, string qos) =>
        Assert.Equal(qos, PodQos.Of(Make.Pod(With(cpu, memory, cpuLimit, memoryLimit)).Spec));

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(100, 102)]
    [InlineData(1000, 1024)]
    [InlineData(1_000_000, 262144)]
    public void Requests_become_shares(long milli, long shares) => Assert.Equal(shares, LinuxResources.Shares(milli));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 1000)]
    [InlineData(500, 50_000)]
    [InlineData(2000, 200_000)]
    public void Limits_become_quotas(long milli, long quota) => Assert.Equal(quota, LinuxResources.Quota(milli, 100_000));

    [Fact]
    public void Who_asks_for_more_memory_dies_later()
    {
        long node = 8L << 30;
        int Score(Container c) => LinuxResources.OomScore(Make.Pod(c), c, node);
        Assert.Equal(1000, Score(With(null, null, null, null)));
        Assert.Equal(-997, Score(With("1", "1Gi", "1", "1Gi")));
        Assert.Equal(875, Score(With("1", "1Gi", null, null)));
        Assert.Equal(3, Score(With("1", "8Gi", null, null)));
        Assert.Equal(999, Score(With("1", "1Ki", null, null)));
    }

    [Fact]
    public void A_pod_asks_for_its_peak_of_init_and_app_containers_with_sidecars()
    {
        var pod = Make.Pod(With("1", null, null, null), With("1", null, null, null))
            .Init(With("500m", null, null, null) with { RestartPolicy = "Always" }, With("3", null, null, null));
        Assert.Equal(3500, PodQos.Total(pod.Spec, "cpu", r => r.Requests, milli: true));
    }

    [Fact]
    public void A_node_takes_no_more_than_it_has()
    {
        using var bench = new PodBench();
        var room = Map.Of(("cpu", Quantity.Parse("2")), ("memory", Quantity.Parse("1Gi")), ("pods", Quantity.Parse("2")));
        var one = Make.Pod(With("1500m", null, null, null));
        Assert.Null(PodAdmission.Refuse(one, [], room, bench.Options));
        Assert.Equal("Node didn't have enough resource: cpu, requested: 1500, used: 1500, capacity: 2000", PodAdmission.Refuse(one, [one], room, bench.Options)!.Value.Message);
        Assert.Equal("OutOfpods", PodAdmission.Refuse(Make.Pod(), [Make.Pod(), Make.Pod()], room, bench.Options)!.Value.Reason);
        var sysctl = Make.Pod() with { Spec = new() { SecurityContext = new() { Sysctls = [new() { Name = "kernel.msgmax", Value = "1" }] } } };
        Assert.Equal("forbidden sysctl: \"kernel.msgmax\" not allowlisted", PodAdmission.Refuse(sysctl, [], room, bench.Options)!.Value.Message);
    }
}
